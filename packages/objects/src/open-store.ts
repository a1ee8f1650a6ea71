import type { ArtifactStore } from './artifact-store.ts';
import { parseDestination } from './destination.ts';

export interface StoreOptions {
  /** Where credentials and endpoints are read from; the process's own by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Entries that one request of a listing asks for; the store's own limit by default. */
  readonly pageSize?: number;
}

/** The most that every store gives. */
const PAGE_SIZE = 1000;

/**
 * Opens the store that a destination names; each SDK is loaded only here. Reaches out to nothing: `check()` does.
 * Throws INVALID_PARAMETER_VALUE for a URI or setting that cannot work.
 */
export async function openStore(
  uri: string,
  { env = process.env, pageSize = PAGE_SIZE }: StoreOptions = {},
): Promise<ArtifactStore> {
  const destination = parseDestination(uri);
  switch (destination.kind) {
    case 'local':
      return (await import('./local/local-store.ts')).openLocalStore(destination.folder);
    case 's3':
      return (await import('./s3/s3-store.ts')).openS3Store(destination, env, pageSize);
    case 'azure':
      return (await import('./azure/azure-store.ts')).openAzureStore(destination, env, pageSize);
    case 'gcs':
      return (await import('./gcs/gcs-store.ts')).openGcsStore(destination, env, pageSize);
    case 'sftp':
      return (await import('./sftp/sftp-store.ts')).openSftpStore(destination, env);
  }
}
