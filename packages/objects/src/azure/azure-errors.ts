import { DomainError, invalid, missing } from '@millrace/core';
import { type ArtifactPath, ROOT } from '../artifact-path.ts';
import { noSuchArtifact } from '../artifact-store.ts';
import { accessRefused, networkCode, unavailable, unexpected } from '../remote-errors.ts';

/** What Azure answered, in words for whoever can act on it; anything else is returned as it came. */
export function azureError(error: unknown, container: string, uri: string, path: ArtifactPath): unknown {
  if (!(error instanceof Error) || error instanceof DomainError) return error;
  const store = `The Azure artifact store ${uri}`;
  const { statusCode, code } = restError(error);
  switch (code) {
    case 'ContainerNotFound':
      return missing(`The Azure container '${container}' does not exist (artifact destination ${uri})`);
    case 'InvalidBlockList':
      return new DomainError(
        'RESOURCE_CONFLICT',
        `Parts of '${path}' are missing, or another upload of it finished meanwhile`,
        {
          cause: error,
        },
      );
    case 'InvalidRange':
      return new DomainError('INVALID_PARAMETER_VALUE', `The range selects nothing in '${path}'`, { status: 416 });
    case 'RequestBodyTooLarge':
      return new DomainError('BAD_REQUEST', `'${path}' is larger than ${store} allows`, { status: 413 });
    case 'InvalidResourceName':
    case 'InvalidUri':
      return invalid(`Invalid path '${path}': ${store} does not allow this name`);
  }
  if (statusCode === 404 && path !== ROOT) return noSuchArtifact(path);
  if (statusCode === 401 || statusCode === 403) {
    return accessRefused(
      `${store} refuses the server's credentials (${code}): check AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCESS_KEY or AZURE_STORAGE_SAS_TOKEN`,
      error,
    );
  }
  const network = networkCode(error) ?? (code === 'REQUEST_SEND_ERROR' ? error.message : undefined);
  if (network !== undefined) return unavailable(store, network, error);
  if (statusCode !== undefined && (statusCode >= 500 || statusCode === 429)) {
    return unavailable(store, `it answered ${statusCode} ${code ?? ''}`, error);
  }
  return statusCode === undefined ? error : unexpected(store, `${statusCode} ${code}: ${error.message}`, error);
}

export const isMissingBlob = (error: unknown): boolean => {
  const { statusCode, code } = restError(error);
  return statusCode === 404 && code !== 'ContainerNotFound';
};

/** A HEAD's error has its code in a header only. */
function restError(error: unknown): { statusCode?: number; code?: string } {
  if (typeof error !== 'object' || error === null) return {};
  const { statusCode, code, details } = error as {
    statusCode?: unknown;
    code?: unknown;
    details?: { errorCode?: unknown };
  };
  const word = details?.errorCode ?? code;
  return {
    ...(typeof statusCode === 'number' ? { statusCode } : {}),
    ...(typeof word === 'string' ? { code: word } : {}),
  };
}
