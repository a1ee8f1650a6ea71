import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { devDir, root } from '../testkit/paths.ts';

/** Where `provision.ts` puts the servers that tests talk to. */
export const peersDir = join(devDir, 'peers');

const S3PROXY_VERSION = '4.1.0';
const S3PROXY_FILE = `s3proxy-${S3PROXY_VERSION}-jar-with-dependencies.jar`;
export const S3PROXY_URL = `https://repo1.maven.org/maven2/org/gaul/s3proxy/${S3PROXY_VERSION}/${S3PROXY_FILE}`;
export const S3PROXY_SHA256 = 'a4d025969aaf796616ed4b1e2491d87d455ce84bb28cb9db086b2e6aaa68b48d';
export const s3proxyJar = join(peersDir, S3PROXY_FILE);

export const azuriteProgram = join(root, 'node_modules/azurite/dist/src/blob/main.js');

export const gcsVenv = join(peersDir, 'venv-gcs');
export const gcsEmulator = join(gcsVenv, 'bin/gcp-storage-emulator');

/** OpenSSH's own SFTP server, where the distributions put it or where it was unpacked. */
export const findSftpServer = (): string | undefined =>
  [
    '/usr/lib/openssh/sftp-server',
    '/usr/libexec/openssh/sftp-server',
    '/usr/lib/ssh/sftp-server',
    '/usr/libexec/sftp-server',
    join(peersDir, 'usr/lib/openssh/sftp-server'),
  ].find(existsSync);

/** Fails the test that needs the program, in one line that says how to have it. */
export function needed(file: string | undefined, name: string): string {
  if (file !== undefined && existsSync(file)) return file;
  throw new Error(
    `${name} is not installed: run node_modules/.bin/node tools/peers/provision.ts, which says what is missing`,
  );
}
