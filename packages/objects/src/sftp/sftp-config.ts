import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { DomainError, invalid } from '@millrace/core';
import type { ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2';
import type { Destination } from '../destination.ts';
import { fingerprint, keyType, knownHostsLine, knownKeys } from './known-hosts.ts';

export type Env = Readonly<Record<string, string | undefined>>;
export type SftpDestination = Extract<Destination, { kind: 'sftp' }>;

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
const STRICTNESS = ['yes', 'accept-new', 'no'] as const;

export interface SftpConfig {
  readonly connect: ConnectConfig;
  /** Why the last host key was refused, if it was. */
  refusal(): DomainError | undefined;
}

/** How to log in, and which host key to trust, as the destination and the environment say. */
export function sftpConfig(destination: SftpDestination, env: Env): SftpConfig {
  const { host, port, user, password } = destination;
  const hostKeys = checkHostKeys(destination, env);
  const connect: ConnectConfig = {
    host,
    port,
    username: user ?? userInfo().username,
    readyTimeout: 15_000,
    keepaliveInterval: 15_000,
    hostVerifier: hostKeys.verify,
    algorithms: { serverHostKey: { prepend: hostKeys.preferred, append: [], remove: [] } },
  };
  if (password !== undefined) connect.password = password;
  const privateKey = readPrivateKey(env);
  if (privateKey !== undefined) connect.privateKey = privateKey;
  if (env.MILLRACE_SFTP_KEY_PASSPHRASE) connect.passphrase = env.MILLRACE_SFTP_KEY_PASSPHRASE;
  if (env.SSH_AUTH_SOCK) connect.agent = env.SSH_AUTH_SOCK;
  return { connect, refusal: hostKeys.refusal };
}

function readPrivateKey(env: Env): Buffer | undefined {
  const named = env.MILLRACE_SFTP_KEY_FILE;
  if (named === undefined || named === '') {
    const found = DEFAULT_KEYS.map((name) => join(home(env), '.ssh', name)).find(existsSync);
    return found === undefined ? undefined : readFileSync(found);
  }
  try {
    return readFileSync(named);
  } catch (error) {
    throw invalid(`MILLRACE_SFTP_KEY_FILE is '${named}', which cannot be read: ${(error as Error).message}`);
  }
}

/** OpenSSH's StrictHostKeyChecking: `yes` trusts only known keys, `accept-new` also notes a new host's, `no` trusts all. */
function checkHostKeys({ host, port }: SftpDestination, env: Env) {
  const strict = env.MILLRACE_SFTP_STRICT_HOST_KEY_CHECKING || 'yes';
  if (!STRICTNESS.some((each) => each === strict)) {
    throw invalid(`MILLRACE_SFTP_STRICT_HOST_KEY_CHECKING is '${strict}'; it may be ${STRICTNESS.join(', ')}`);
  }
  const file = env.MILLRACE_SFTP_KNOWN_HOSTS || join(home(env), '.ssh/known_hosts');
  const known = () => knownKeys(existsSync(file) ? readFileSync(file, 'utf8') : '', host, port);
  let refusal: DomainError | undefined;

  const verify = (key: Buffer): boolean => {
    refusal = undefined;
    if (strict === 'no') return true;
    const { trusted, revoked } = known();
    const shown = `The SFTP server ${host}:${port} has the ${keyType(key)} host key ${fingerprint(key)}`;
    if (revoked.some((each) => each.equals(key))) {
      refusal = refused(`${shown}, which ${file} says is revoked`);
    } else if (trusted.length > 0 && !trusted.some((each) => each.key.equals(key))) {
      refusal = refused(
        `${shown}, but ${file} knows another one: somebody may be in between, or the server was set up anew`,
      );
    } else if (trusted.length === 0 && strict === 'yes') {
      refusal = refused(
        `${shown}, which is not in ${file}: compare it, then add it (ssh-keyscan -p ${port} ${host} >> ${file}), ` +
          'or set MILLRACE_SFTP_STRICT_HOST_KEY_CHECKING=accept-new',
      );
    } else if (trusted.length === 0) {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      appendFileSync(file, knownHostsLine(host, port, key), { mode: 0o600 });
    }
    return refusal === undefined;
  };

  // A server with several keys shows the one that the client asks for first: ask for one that is known.
  const preferred = known().trusted.flatMap(({ type }) => signatures(type));
  return { verify, preferred, refusal: () => refusal };
}

function signatures(type: string): ServerHostKeyAlgorithm[] {
  if (type === 'ssh-rsa') return ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'];
  return SIGNATURES.filter((each) => each === type);
}

const SIGNATURES: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
];

const refused = (message: string): DomainError => new DomainError('PERMISSION_DENIED', message);

const home = (env: Env): string => env.HOME || homedir();
