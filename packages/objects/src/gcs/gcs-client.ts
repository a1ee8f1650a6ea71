import { readFileSync } from 'node:fs';
import { Storage, type StorageOptions } from '@google-cloud/storage';
import { invalid } from '@millrace/core';

export type Env = Readonly<Record<string, string | undefined>>;

export interface GcsClient {
  readonly storage: Storage;
  /** Whether the credentials have a private key, by which URLs are signed. */
  readonly canSign: boolean;
}

/** Credentials are Google's own: a key file that the variable names, or what the machine is given. */
export function createGcsClient(env: Env): GcsClient {
  const options: StorageOptions = { retryOptions: { maxRetries: 2, maxRetryDelay: 2, totalTimeout: 60 } };
  const emulator = env.STORAGE_EMULATOR_HOST;
  if (emulator) options.apiEndpoint = emulator;
  const keyFile = env.GOOGLE_APPLICATION_CREDENTIALS;
  if (keyFile) options.keyFilename = keyFile;
  if (env.GOOGLE_CLOUD_PROJECT) options.projectId = env.GOOGLE_CLOUD_PROJECT;
  return { storage: new Storage(options), canSign: keyFile ? isServiceAccount(keyFile) : false };
}

function isServiceAccount(keyFile: string): boolean {
  try {
    const key: unknown = JSON.parse(readFileSync(keyFile, 'utf8'));
    return typeof key === 'object' && key !== null && 'type' in key && key.type === 'service_account';
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(`GOOGLE_APPLICATION_CREDENTIALS is '${keyFile}', which cannot be read as a key file: ${why}`);
  }
}
