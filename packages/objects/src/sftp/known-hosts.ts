import { createHash, createHmac } from 'node:crypto';

/** What a known_hosts file says of one host. */
export interface KnownKeys {
  /** Keys as they travel, by their type's name. */
  readonly trusted: readonly { readonly type: string; readonly key: Buffer }[];
  readonly revoked: readonly Buffer[];
}

/** Reads OpenSSH's format: names, patterns, negations, hashed names, `[host]:port` and `@revoked`; authorities are left out. */
export function knownKeys(file: string, host: string, port: number): KnownKeys {
  const name = port === 22 ? host : `[${host}]:${port}`;
  const trusted: { type: string; key: Buffer }[] = [];
  const revoked: Buffer[] = [];
  for (const line of file.split('\n')) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const fields = line.trim().split(/\s+/);
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
    const [names, type, text] = fields;
    if (names === undefined || type === undefined || text === undefined || !matches(names, name)) continue;
    const key = Buffer.from(text, 'base64');
    if (marker === '@revoked') revoked.push(key);
    else if (marker === undefined) trusted.push({ type, key });
  }
  return { trusted, revoked };
}

/** As `ssh-keygen -l` shows a key. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** A key begins with the name of its type. */
export const keyType = (key: Buffer): string => key.subarray(4, 4 + key.readUInt32BE(0)).toString();

/** The line that makes the key known. */
export const knownHostsLine = (host: string, port: number, key: Buffer): string =>
  `${port === 22 ? host : `[${host}]:${port}`} ${keyType(key)} ${key.toString('base64')}\n`;

function matches(names: string, host: string): boolean {
  let found = false;
  for (const pattern of names.split(',')) {
    if (pattern.startsWith('|1|')) found ||= matchesHash(pattern, host);
    else if (pattern.startsWith('!')) {
      if (globMatches(pattern.slice(1), host)) return false;
    } else found ||= globMatches(pattern, host);
  }
  return found;
}

function matchesHash(pattern: string, host: string): boolean {
  const [, , salt = '', hash = ''] = pattern.split('|');
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(host).digest('base64') === hash;
}

function globMatches(pattern: string, host: string): boolean {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(host);
}
