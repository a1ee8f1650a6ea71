import { DomainError, missing } from '@millrace/core';
import { type ArtifactPath, ROOT } from '../artifact-path.ts';
import { noSuchArtifact } from '../artifact-store.ts';
import { accessRefused, networkCode, unavailable, unexpected } from '../remote-errors.ts';

const SETTINGS = "GOOGLE_APPLICATION_CREDENTIALS, or the machine's own service account";

/** What Google Cloud Storage answered, in words for whoever can act on it; anything else is returned as it came. */
export function gcsError(error: unknown, bucket: string, uri: string, path: ArtifactPath): unknown {
  if (!(error instanceof Error) || error instanceof DomainError) return error;
  const store = `The Google Cloud artifact store ${uri}`;
  const status = statusOf(error);
  if (/bucket does not exist/i.test(error.message) || (status === 404 && path === ROOT)) {
    return missing(`The Google Cloud Storage bucket '${bucket}' does not exist (artifact destination ${uri})`);
  }
  if (status === 404) return noSuchArtifact(path);
  if (status === 416) {
    return new DomainError('INVALID_PARAMETER_VALUE', `The range selects nothing in '${path}'`, { status: 416 });
  }
  if (status === 401 || status === 403) {
    return accessRefused(
      `${store} refuses the server's credentials: check ${SETTINGS}, and its role on the bucket`,
      error,
    );
  }
  if (/could not load the default credentials|invalid_grant|invalid_client/i.test(error.message)) {
    return accessRefused(`${store} has no valid credentials: set ${SETTINGS}`, error);
  }
  const code = networkCode(error);
  if (code !== undefined) return unavailable(store, `${code}; check the network`, error);
  if (status !== undefined && (status >= 500 || status === 429))
    return unavailable(store, `it answered ${status}`, error);
  return status === undefined ? error : unexpected(store, `${status}: ${error.message}`, error);
}

export const isMissingObject = (error: unknown): boolean => error instanceof Error && statusOf(error) === 404;

const statusOf = (error: Error): number | undefined =>
  'code' in error && typeof error.code === 'number' ? error.code : undefined;
