import { DomainError, invalid } from '@millrace/core';
import type { ArtifactPath } from '../artifact-path.ts';
import { accessRefused, networkCode, unavailable } from '../remote-errors.ts';
import { isDenied, isFailure, isNoSuchFile } from './sftp-session.ts';

/** What SSH or SFTP answered, in words for whoever can act on it; anything else is returned as it came. */
export function sftpError(error: unknown, uri: string, path: ArtifactPath): unknown {
  if (!(error instanceof Error) || error instanceof DomainError) return error;
  const store = `The SFTP artifact store ${uri}`;
  if (isDenied(error))
    return accessRefused(`${store} denies its user access to '${path}': check the folder's owner and mode`, error);
  if (isNoSuchFile(error)) return unavailable(store, 'its folder is gone', error);
  if (isFailure(error)) return invalid(`${store} cannot store '${path}': a file or folder is in its way`);
  const level = 'level' in error ? error.level : undefined;
  if (level === 'client-authentication' || level === 'agent' || /private ?key|passphrase/i.test(error.message)) {
    return accessRefused(
      `${store} refuses the login (${error.message}): check the user and password in the destination, ` +
        'MILLRACE_SFTP_KEY_FILE and MILLRACE_SFTP_KEY_PASSPHRASE, or the agent (SSH_AUTH_SOCK)',
      error,
    );
  }
  const code = networkCode(error);
  if (code !== undefined || level !== undefined || CONNECTION.test(error.message)) {
    return unavailable(store, code ?? error.message, error);
  }
  return error;
}

/** ssh2's words for requests that a broken connection left without an answer. */
const CONNECTION = /connection was lost|no response from server|not connected|handshake|keepalive|channel closed/i;
