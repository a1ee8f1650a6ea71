import { AnonymousCredential, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { DomainError, invalid } from '@millrace/core';
import type { Destination } from '../destination.ts';

export type Env = Readonly<Record<string, string | undefined>>;
export type AzureDestination = Extract<Destination, { kind: 'azure' }>;

const OPTIONS = { retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 } };

/** Credentials come from the variables of MLflow and of Azure's own command line. */
export function createAzureClient({ host, account }: AzureDestination, env: Env): BlobServiceClient {
  const connectionString = env.AZURE_STORAGE_CONNECTION_STRING;
  if (connectionString) return fromConnectionString(connectionString, account);
  const key = env.AZURE_STORAGE_ACCESS_KEY || env.AZURE_STORAGE_KEY;
  if (key) return new BlobServiceClient(`https://${host}`, new StorageSharedKeyCredential(account, key), OPTIONS);
  const sas = env.AZURE_STORAGE_SAS_TOKEN;
  if (sas)
    return new BlobServiceClient(`https://${host}/?${sas.replace(/^\?/, '')}`, new AnonymousCredential(), OPTIONS);
  throw new DomainError(
    'PERMISSION_DENIED',
    `The Azure artifact store of the account '${account}' has no credentials: set AZURE_STORAGE_CONNECTION_STRING, ` +
      'AZURE_STORAGE_ACCESS_KEY or AZURE_STORAGE_SAS_TOKEN',
  );
}

function fromConnectionString(connectionString: string, account: string): BlobServiceClient {
  let client: BlobServiceClient;
  try {
    client = BlobServiceClient.fromConnectionString(connectionString, OPTIONS);
  } catch {
    throw invalid('AZURE_STORAGE_CONNECTION_STRING is not a connection string of Azure Storage');
  }
  if (client.accountName === account) return client;
  throw invalid(
    `AZURE_STORAGE_CONNECTION_STRING is of the account '${client.accountName}', the artifact destination of '${account}'`,
  );
}
