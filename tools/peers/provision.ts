import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Provision } from '../testkit/provision/provision.ts';
import { runProgram } from '../testkit/run-program.ts';
import {
  azuriteProgram,
  findSftpServer,
  gcsEmulator,
  gcsVenv,
  peersDir,
  S3PROXY_SHA256,
  S3PROXY_URL,
  s3proxyJar,
} from './programs.ts';

const GCS_EMULATOR = 'gcp-storage-emulator==2026.7.19';

/** Installs into `.dev` what the peers need. What is there already costs nothing. */
export async function* provisionPeers(): AsyncGenerator<Provision> {
  await mkdir(peersDir, { recursive: true });
  yield await provisionS3();
  yield provisionAzure();
  yield await provisionGcs();
  yield await provisionSftp();
}

async function provisionS3(): Promise<Provision> {
  const name = 'S3 server (s3proxy)';
  if ((await runProgram('java', ['-version'])).code !== 0) {
    return { name, missing: 'Install a Java 17 runtime (apt-get install default-jre-headless).' };
  }
  if (existsSync(s3proxyJar)) return { name, ready: s3proxyJar };
  const partial = `${s3proxyJar}.${process.pid}`;
  try {
    const response = await fetch(S3PROXY_URL);
    if (!response.ok) throw new Error(`status ${response.status}`);
    await writeFile(partial, response.body!);
    if ((await sha256(partial)) !== S3PROXY_SHA256) throw new Error('its SHA-256 is not the one that is expected');
    await rename(partial, s3proxyJar);
    return { name, ready: s3proxyJar };
  } catch (error) {
    return { name, missing: `Download ${S3PROXY_URL} to ${s3proxyJar} (${reason(error)}).` };
  } finally {
    await rm(partial, { force: true });
  }
}

function provisionAzure(): Provision {
  const name = 'Azure Blob server (azurite)';
  return existsSync(azuriteProgram)
    ? { name, ready: azuriteProgram }
    : { name, missing: 'Run npm install --ignore-scripts.' };
}

async function provisionGcs(): Promise<Provision> {
  const name = 'Google Cloud Storage server (gcp-storage-emulator)';
  if (existsSync(gcsEmulator)) return { name, ready: gcsEmulator };
  const steps = [
    ['python3', '-m', 'venv', '--clear', gcsVenv],
    [join(gcsVenv, 'bin/pip'), 'install', '--quiet', GCS_EMULATOR],
  ] as const;
  for (const [file, ...args] of steps) {
    const { code, output } = await runProgram(file, args);
    if (code === 0) continue;
    await rm(gcsVenv, { recursive: true, force: true });
    const last = output.split('\n').at(-1) ?? '';
    return { name, missing: `Install Python 3.9 or newer with venv and pip (apt-get install python3-venv): ${last}` };
  }
  return { name, ready: gcsEmulator };
}

/** Debian's package is unpacked rather than installed, which needs no root and starts no service. */
async function provisionSftp(): Promise<Provision> {
  const name = 'SFTP server (OpenSSH sftp-server)';
  const found = findSftpServer();
  if (found !== undefined) return { name, ready: found };
  const folder = await mkdtemp(join(peersDir, 'openssh-'));
  try {
    await runProgram('apt-get', ['download', '-qq', 'openssh-sftp-server'], { cwd: folder });
    const deb = (await readdir(folder)).find((file) => file.endsWith('.deb'));
    if (deb !== undefined) await runProgram('dpkg-deb', ['-x', join(folder, deb), peersDir]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const unpacked = findSftpServer();
  return unpacked === undefined
    ? { name, missing: 'Install it (apt-get install openssh-sftp-server).' }
    : { name, ready: unpacked };
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const reason = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
};

if (import.meta.main) {
  for await (const item of provisionPeers()) {
    console.log('ready' in item ? `${item.name}: ${item.ready}` : `${item.name}: MISSING. ${item.missing}`);
    if ('missing' in item) process.exitCode = 1;
  }
}
