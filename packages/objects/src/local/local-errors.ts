import { DomainError, invalid } from '@millrace/core';
import type { ArtifactPath } from '../artifact-path.ts';

export const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Whether the name simply is not there: also when a file stands where one of its folders would be. */
export const isAbsent = (error: unknown): boolean => {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
};

/** A file system's refusal in words for whoever can act on it; anything else is returned as it came. */
export function localError(error: unknown, root: string, path: ArtifactPath): unknown {
  if (error instanceof DomainError) return error;
  const code = errorCode(error);
  const refused = (word: 'PERMISSION_DENIED' | 'RESOURCE_CONFLICT', message: string) =>
    new DomainError(word, message, { cause: error });
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DomainError(
        'RESOURCE_EXHAUSTED',
        `The disk of the artifact folder is full (${code}); '${path}' was not stored`,
        { status: 507, cause: error },
      );
    case 'EACCES':
    case 'EPERM':
      return refused('PERMISSION_DENIED', `The server's user may not access the artifact folder ${root} (${code})`);
    case 'EROFS':
      return refused('PERMISSION_DENIED', `The artifact folder ${root} is mounted read-only`);
    case 'EXDEV':
      return refused(
        'RESOURCE_CONFLICT',
        `'${path}' lies on another file system than the artifact folder ${root}; mount one file system there, or make the mounted folder the artifact destination`,
      );
    case 'EISDIR':
    case 'ENOTEMPTY':
      return invalid(`'${path}' is a folder; a file cannot be stored under its name`);
    case 'ENOTDIR':
    case 'EEXIST':
      return invalid(`'${path}' cannot be stored: one of its folders is a file`);
    case 'ENAMETOOLONG':
      return invalid(`Invalid path '${path}': it is longer than the artifact folder's file system allows`);
    case 'ENOENT':
    case 'ESTALE':
    case 'EIO':
    case 'ENOTCONN':
    case 'ETIMEDOUT':
    case 'EHOSTDOWN':
    case 'EHOSTUNREACH':
    case 'EMFILE':
    case 'ENFILE':
      return new DomainError(
        'TEMPORARILY_UNAVAILABLE',
        `The artifact folder ${root} cannot be used at the moment (${code}${mountHint(code)})`,
        { retryAfter: 5, cause: error },
      );
    default:
      return error;
  }
}

function mountHint(code: string): string {
  if (code === 'ESTALE') return ': its network mount went stale; mount it again';
  if (code === 'ENOENT') return ': it is gone; is its file system mounted?';
  if (code === 'EMFILE' || code === 'ENFILE') return ': too many open files; raise the limit (ulimit -n)';
  return '';
}
