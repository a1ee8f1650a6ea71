import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { DomainError } from '@millrace/core';
import { inspectSchema, refuse, verifyDatabase } from '@millrace/db';
import { openStore } from '@millrace/objects';
import { readConfig, type ServerConfig } from '@millrace/server';
import { migrations } from '@millrace/tracking';
import type { TargetOptions } from '../target.ts';

export interface Check {
  readonly subject: string;
  readonly state: 'ok' | 'warning' | 'failure';
  readonly words: string;
}

type Verdict = Omit<Check, 'subject'>;

const OLDEST_NODE = 24;
const LITTLE_SPACE = 1024 ** 3;
const NO_SPACE = 100 * 1024 ** 2;
const ANSWER_MS = 3_000;
const VERSION = /^\d+\.\d+[\w.+-]{0,30}$/;

const ok = (words: string): Verdict => ({ state: 'ok', words });
const warning = (words: string): Verdict => ({ state: 'warning', words });
const failure = (words: string): Verdict => ({ state: 'failure', words });

/** Checks from the ground up; each goes on where the one before failed. */
export async function* checkInstallation(options: TargetOptions, url: string | undefined): AsyncGenerator<Check> {
  yield { subject: 'Node', ...checkNode() };
  let config: ServerConfig;
  try {
    config = readConfig(options, process.env);
  } catch (error) {
    yield { subject: 'Configuration', ...asFailure(error) };
    return;
  }
  const checks: [string, () => Promise<Verdict>][] = [
    ['Data folder', () => checkFolder(config.dataDir)],
    ['Disk space', () => checkSpace(config.dataDir)],
    ['Database', () => checkDatabase(config)],
    ['Artifact store', () => checkArtifacts(config)],
    ['Server', () => checkServer(url)],
  ];
  for (const [subject, check] of checks) {
    yield { subject, ...(await check().catch(asFailure)) };
  }
}

/** What a person can act on is a sentence already; a system error says what it was doing. */
function asFailure(error: unknown): Verdict {
  if (error instanceof DomainError) return failure(error.message);
  return failure(error instanceof Error ? error.message : String(error));
}

function checkNode(): Verdict {
  const major = Number.parseInt(process.versions.node, 10);
  return major >= OLDEST_NODE
    ? ok(`version ${process.versions.node}, SQLite ${process.versions.sqlite}`)
    : failure(`version ${process.versions.node} is too old: ${OLDEST_NODE} or newer is needed.`);
}

async function checkFolder(folder: string): Promise<Verdict> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return ok(`${folder} can be written`);
  } catch (error) {
    return failure(
      `${folder} cannot be written by this user (${(error as Error).message}): give it to the user or name another with --data-dir.`,
    );
  }
}

async function checkSpace(folder: string): Promise<Verdict> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const words = `${(free / 1024 ** 3).toFixed(1)} GiB free at ${folder}`;
  if (free < NO_SPACE) return failure(`${words}: writes are about to fail; free some space or run 'millrace gc'.`);
  return free < LITTLE_SPACE ? warning(`${words}: that will not last long.`) : ok(words);
}

async function checkDatabase({ backend }: ServerConfig): Promise<Verdict> {
  const found = await inspectSchema(backend, migrations);
  refuse(found, backend);
  if (found.kind === 'empty') return ok('is empty; the first start of the server makes its tables');
  if (found.kind === 'older') {
    return warning(
      `its schema is older (${found.pending.join(', ')} pending): the next start of the server, or 'millrace db upgrade', brings it up to date.`,
    );
  }
  const damage = await verifyDatabase(backend);
  if (damage.length > 0) {
    return failure(
      `is damaged (${damage[0]}): stop the server and restore a backup; 'sqlite3 <file> .recover' saves what is left.`,
    );
  }
  return ok('reachable, its schema is current, nothing is damaged');
}

async function checkArtifacts({ serveArtifacts, artifactsDestination }: ServerConfig): Promise<Verdict> {
  if (!serveArtifacts) return ok('clients use it themselves (--no-serve-artifacts)');
  const store = await openStore(artifactsDestination);
  try {
    await store.check();
    return ok(`${store.uri} takes, lists, hands out and removes files`);
  } finally {
    await store.close();
  }
}

async function checkServer(url: string | undefined): Promise<Verdict> {
  const asked = url ?? 'http://127.0.0.1:5000';
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await fetch(new URL('/version', asked), { signal });
    const version = (await answer.text()).trim();
    if (answer.ok && VERSION.test(version)) return ok(`${asked} answers as MLflow ${version}`);
    const words = `something answers at ${asked} (status ${answer.status}), but it is no tracking server`;
    return url === undefined
      ? warning(`${words}: start Millrace with another --port.`)
      : failure(`${words}: is the address right?`);
  } catch (error) {
    const words = `${asked} does not answer (${(error as Error).message})`;
    return url === undefined
      ? ok(`${words}; none needs to run for this check`)
      : failure(`${words}: is it started, and is the address right?`);
  }
}
