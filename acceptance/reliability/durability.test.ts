// Promise: what is acknowledged survives a power cut: every 2xx to a write follows a completed sync of what it wrote, file and
// folder. Seen in the system calls of the running server, one request after the other.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  answers,
  findPostgres,
  freePort,
  root,
  startChildServer,
  startPostgres,
  startServer,
  tempDir,
} from '@millrace/tools/testkit';
import { expect, test } from 'vitest';
import { artifactApi, newExperiment, newRun, post, send } from './support.ts';

const hasStrace = spawnSync('strace', ['-c', 'true']).status === 0;
if (!hasStrace) console.warn('not tested: the order of syncs and answers (strace is not installed, or may not trace)');

const CALLS = 'fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg';

interface Traced {
  readonly url: string;
  /** The calls that were completed, in order. */
  finish(): Promise<string[]>;
}

async function startTraced(dataDir: string): Promise<Traced> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = join(tempDir('strace'), 'calls');
  const server = await startChildServer({
    label: 'traced server',
    file: 'strace',
    args: [
      // -D: the process that we started and stop is the server itself.
      ...['-D', '-f', '--seccomp-bpf', '-y', '-s', '64', '-o', log, '-e', `trace=${CALLS}`],
      ...[process.execPath, '--disable-warning=ExperimentalWarning', join(root, 'apps/cli/src/main.ts'), 'server'],
      ...['--port', String(port), '--data-dir', dataDir],
    ],
    isReady: () => answers(`${url}/health`),
  });
  return {
    url,
    async finish() {
      await server.stop();
      return completed(readFileSync(log, 'utf8').split('\n'));
    },
  };
}

/** Joins calls that others interrupted in the log, at the place where they were completed. */
function completed(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  const calls: string[] = [];
  for (const line of lines) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(text);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    if (unfinished !== null) {
      begun.set(thread, unfinished[1]!);
      // An answer counts from its beginning, everything else once it is done.
      if (isAnswer(unfinished[1]!)) calls.push(unfinished[1]!);
    } else if (resumed !== null) {
      const call = `${begun.get(thread) ?? ''}${resumed[1]}`;
      if (!isAnswer(call)) calls.push(call);
    } else {
      calls.push(text);
    }
  }
  return calls;
}

const isAnswer = (call: string): boolean => /^(?:write|writev|sendto|sendmsg)\(.*HTTP\/1\.1 /.test(call);

/** The calls between one answer and the next, each with the answer that ends it. */
function byAnswer(calls: readonly string[]): string[][] {
  const groups: string[][] = [[]];
  for (const call of calls) {
    groups.at(-1)!.push(call);
    if (isAnswer(call)) groups.push([]);
  }
  return groups.filter((group) => group.some(isAnswer));
}

const isDone = (call: string): boolean => / = 0$/.test(call);

test.skipIf(!hasStrace)(
  'SQLite: the log is synced before every answer to a write (not tested without strace)',
  async () => {
    const server = await startTraced(tempDir('durability'));
    const experiment = await newExperiment(server.url);
    const run_id = await newRun(server.url, experiment);
    const writes = 10;
    for (let step = 0; step < writes; step++) {
      await post(server.url, 'runs/log-metric', { run_id, key: 'm', value: step, step, timestamp: step });
      await post(server.url, 'runs/log-batch', {
        run_id,
        params: [{ key: `p${step}`, value: 'v' }],
        tags: [{ key: 't', value: `${step}` }],
      });
    }
    await post(server.url, 'runs/update', { run_id, status: 'FINISHED' });
    const groups = byAnswer(await server.finish());
    const last = groups.slice(-(2 * writes + 1));
    expect(last).toHaveLength(2 * writes + 1);
    for (const group of last) {
      expect(group.at(-1)).toContain('HTTP/1.1 200');
      const synced = group.some((call) => /^f(?:data)?sync\(\d+<[^>]*millrace\.db-wal>/.test(call) && isDone(call));
      expect(synced, group.join('\n')).toBe(true);
    }
  },
);

test.skipIf(!hasStrace)(
  'artifacts: the file before its name, and the folder before the answer (not tested without strace)',
  async () => {
    const dataDir = tempDir('durability');
    const server = await startTraced(dataDir);
    const experiment = await newExperiment(server.url);
    const folder = `${experiment}/${await newRun(server.url, experiment)}/artifacts/new/folders`;
    const names = ['first', 'second', 'second'];
    for (const name of names) {
      expect(
        (await send(server.url, 'PUT', `${artifactApi}/${folder}/${name}`, { body: name.repeat(1000) })).status,
      ).toBe(200);
    }
    const deleted = await send(server.url, 'DELETE', `${artifactApi}/${folder}/first`);
    expect(deleted.status).toBe(200);
    const groups = byAnswer(await server.finish());
    const [first, second, third, removal] = groups.slice(-4) as [string[], string[], string[], string[]];
    const at = join(dataDir, 'artifacts', folder);
    const position = (group: readonly string[], pattern: RegExp) => {
      const index = group.findIndex((call) => pattern.test(call) && isDone(call));
      expect(index, `${pattern} in\n${group.join('\n')}`).toBeGreaterThanOrEqual(0);
      return index;
    };
    for (const [i, group] of [first, second, third].entries()) {
      const content = position(group, /^f(?:data)?sync\(\d+<[^>]*\.millrace-tmp\/[^>]*>/);
      const name = position(group, new RegExp(`^rename\\w*\\(.*"${'[^"]*'}${names[i]}"`));
      const entry = group.findLastIndex(
        (call) => call.startsWith('fsync(') && call.includes(`<${at}>`) && isDone(call),
      );
      expect([content < name, name < entry], group.join('\n')).toEqual([true, true]);
    }
    // Every folder that the first upload made is an entry of its parent, which is synced.
    for (let made = at; made !== join(dataDir, 'artifacts'); made = join(made, '..')) {
      expect(
        first.some((call) => call.startsWith('fsync(') && call.includes(`<${join(made, '..')}>`) && isDone(call)),
        join(made, '..'),
      ).toBe(true);
    }
    position(removal, new RegExp(`^fsync\\(\\d+<${at}>`));
  },
);

test.skipIf(findPostgres() === undefined)(
  'PostgreSQL: no session waits for less than the disk (not tested without PostgreSQL)',
  async () => {
    const cluster = await startPostgres({ fsync: true, settings: { log_statement: 'all' } });
    const url = (await cluster.createDatabase()) as `postgresql://${string}`;
    const server = await startServer({ backend: url });
    await newRun(server.url, await newExperiment(server.url));
    expect(await server.stop()).toBe(0);
    expect(cluster.log()).toMatch(/statement: begin|execute .*: begin/i);
    expect(cluster.log()).not.toMatch(/synchronous_commit|SET.*fsync|UNLOGGED/i);
    await cluster.stop();
  },
);
