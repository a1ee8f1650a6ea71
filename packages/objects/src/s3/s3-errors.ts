import { DomainError, invalid, missing } from '@millrace/core';
import { type ArtifactPath, ROOT } from '../artifact-path.ts';
import { noSuchArtifact } from '../artifact-store.ts';
import { accessRefused, networkCode, unavailable, unexpected } from '../remote-errors.ts';

const SETTINGS = 'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile or role of the server';

/** What S3 answered, in words for whoever can act on it; anything else is returned as it came. */
export function s3Error(error: unknown, bucket: string, uri: string, path: ArtifactPath): unknown {
  if (!(error instanceof Error) || error instanceof DomainError) return error;
  const store = `The S3 artifact store ${uri}`;
  const status = statusOf(error);
  switch (error.name) {
    case 'NoSuchKey':
    case 'NotFound':
      return path === ROOT ? missing(`The S3 bucket '${bucket}' does not exist`) : noSuchArtifact(path);
    case 'NoSuchBucket':
      return missing(`The S3 bucket '${bucket}' does not exist (artifact destination ${uri})`);
    case 'NoSuchUpload':
      return missing('No such multipart upload: it was completed, aborted or never created');
    case 'InvalidPart':
    case 'InvalidPartOrder':
    case 'EntityTooSmall':
      return invalid(`The parts of the upload of '${path}' do not fit: ${error.message}`);
    case 'KeyTooLongError':
      return invalid(`Invalid path '${path}': with the destination's prefix it is longer than 1024 bytes`);
    case 'InvalidRange':
      return new DomainError('INVALID_PARAMETER_VALUE', `The range selects nothing in '${path}'`, { status: 416 });
    case 'EntityTooLarge':
      return new DomainError('BAD_REQUEST', `'${path}' is larger than ${store} allows`, { status: 413 });
    case 'CredentialsProviderError':
      return accessRefused(`${store} has no credentials: set ${SETTINGS}`, error);
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
      return accessRefused(`${store} is in another region than AWS_REGION or AWS_DEFAULT_REGION says`, error);
    case 'TimeoutError':
      return unavailable(store, 'it did not answer in time', error);
  }
  if (error.message === 'Region is missing') return accessRefused(`${store} has no region: set AWS_REGION`, error);
  if (status === 401 || status === 403) {
    return accessRefused(
      `${store} refuses the server's credentials (${error.name}): check ${SETTINGS}, and the bucket's policy`,
      error,
    );
  }
  const code = networkCode(error);
  if (code !== undefined) return unavailable(store, `${code}; check MLFLOW_S3_ENDPOINT_URL and the network`, error);
  if (status !== undefined && (status >= 500 || status === 429))
    return unavailable(store, `it answered ${status} ${error.name}`, error);
  return status === undefined ? error : unexpected(store, `${status} ${error.name}: ${error.message}`, error);
}

const statusOf = (error: Error): number | undefined => {
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  const status = (metadata as { httpStatusCode?: unknown } | undefined)?.httpStatusCode;
  return typeof status === 'number' ? status : undefined;
};

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound');
