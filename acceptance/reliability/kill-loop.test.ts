// Promise: what was acknowledged survives kill -9 of the server (and of PostgreSQL), and nothing is ever half-written.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, findPostgres, startPostgres, startServer, type TestServer } from '@millrace/tools/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  artifactApi,
  call,
  expectNoIncident,
  getRun,
  history,
  newExperiment,
  newRun,
  Random,
  type Run,
  rounds,
  searchRuns,
  send,
} from './support.ts';

const WRITERS = 6;
const BATCH = 5;

/** What became of a write: no answer, or 503, means that it may have happened. */
type Fate = 'acknowledged' | 'maybe';

interface Batch {
  readonly run: string;
  readonly label: string;
  readonly fate: Fate;
}

interface Upload {
  readonly path: string;
  readonly content: string;
  readonly fate: Fate;
}

/** What one writer did, in order. */
class Journal {
  readonly steps: { step: number; fate: Fate }[] = [];
  readonly batches: Batch[] = [];
  readonly tagValues: { value: string; fate: Fate }[] = [];
  readonly created: { name: string; fate: Fate }[] = [];
  readonly uploads: Upload[] = [];
}

const entries = (label: string): string[] => Array.from({ length: BATCH }, (_, i) => `${label}.${i}`);

const batchBody = (run_id: string, label: string) => ({
  run_id,
  metrics: entries(label).map((key, i) => ({ key, value: i, timestamp: 1, step: 0 })),
  params: entries(label).map((key) => ({ key, value: label })),
  tags: entries(label).map((key) => ({ key, value: label })),
});

async function fateOf(answer: Promise<Answer>): Promise<Fate> {
  let status: number;
  let text: string;
  try {
    ({ status, text } = await answer);
  } catch {
    return 'maybe';
  }
  if (status === 200) return 'acknowledged';
  expect(status, text).toBe(503);
  return 'maybe';
}

/** Writes until `stopped`; each of its names is its own. */
async function write(url: string, experiment: string, run: string, id: string, random: Random, stopped: () => boolean) {
  const journal = new Journal();
  for (let n = 0; !stopped(); n++) {
    const label = `${id}-${n}`;
    const kind = random.below(6);
    if (kind <= 1) {
      const body = { run_id: run, key: id, value: n, step: n, timestamp: n };
      journal.steps.push({ step: n, fate: await fateOf(call(url, 'POST', 'runs/log-metric', body)) });
    } else if (kind === 2) {
      journal.batches.push({
        run,
        label,
        fate: await fateOf(call(url, 'POST', 'runs/log-batch', batchBody(run, label))),
      });
    } else if (kind === 3) {
      const body = { run_id: run, key: id, value: label };
      journal.tagValues.push({ value: label, fate: await fateOf(call(url, 'POST', 'runs/set-tag', body)) });
    } else if (kind === 4) {
      const tags = entries(label).map((key) => ({ key, value: label }));
      const body = { experiment_id: experiment, run_name: label, tags };
      journal.created.push({ name: label, fate: await fateOf(call(url, 'POST', 'runs/create', body)) });
    } else {
      // Few names, so that many uploads replace a file.
      const path = `${experiment}/${run}/artifacts/${id}/${n % 3}.txt`;
      const content = `${label};`.repeat(1 + random.below(20_000));
      const answer = send(url, 'PUT', `${artifactApi}/${path}`, { body: content });
      journal.uploads.push({ path, content, fate: await fateOf(answer) });
    }
    if (random.below(20) === 0) await sleep(random.below(20));
  }
  return journal;
}

/** Asserts that all that was acknowledged is there, and that all else is there whole or not at all. */
async function check(url: string, experiment: string, run: string, id: string, journal: Journal): Promise<void> {
  const { data } = await getRun(url, run);
  const points = await history(url, run, id);
  const steps = new Set(points.map(({ step }) => step));
  const tried = new Set(journal.steps.map(({ step }) => step));
  for (const { step, fate } of journal.steps) {
    if (fate === 'acknowledged') expect(steps.has(step), `metric ${id} step ${step}`).toBe(true);
  }
  expect([...steps].filter((step) => !tried.has(step))).toEqual([]);
  // The latest value was moved along with the history.
  const latest = data.metrics?.find(({ key }) => key === id);
  expect(latest?.step).toBe(points.length === 0 ? undefined : Math.max(...steps));

  for (const { label, fate } of journal.batches) {
    const keys = new Set(entries(label));
    const found = [data.metrics, data.params, data.tags].map(
      (items) => items?.filter(({ key }) => keys.has(key)).length ?? 0,
    );
    const complete = found.every((count) => count === BATCH);
    const nothing = found.every((count) => count === 0);
    expect(complete || (nothing && fate === 'maybe'), `batch ${label} (${fate}) has ${found}`).toBe(true);
  }

  const lastAcknowledged = journal.tagValues.findLastIndex(({ fate }) => fate === 'acknowledged');
  const possible = journal.tagValues.slice(Math.max(lastAcknowledged, 0)).map(({ value }) => value);
  const tag = data.tags?.find(({ key }) => key === id)?.value;
  if (lastAcknowledged >= 0 || tag !== undefined) expect(possible).toContain(tag);

  const byName = new Map((await searchRuns(url, experiment)).map((found: Run) => [found.info.run_name, found]));
  for (const { name, fate } of journal.created) {
    const found = byName.get(name);
    if (found === undefined) expect(fate, `run ${name}`).toBe('maybe');
    else expect(found.data.tags?.filter(({ value }) => value === name).length, `tags of ${name}`).toBe(BATCH + 1);
  }
  await checkUploads(url, `${experiment}/${run}/artifacts/${id}`, journal.uploads);
}

async function checkUploads(url: string, folder: string, uploads: readonly Upload[]): Promise<void> {
  const listed = await send(url, 'GET', `${artifactApi}?path=${encodeURIComponent(folder)}`);
  const names = ((JSON.parse(listed.text) as { files?: { path: string }[] }).files ?? []).map(({ path }) => path);
  for (const path of new Set(uploads.map((upload) => upload.path))) {
    const own = uploads.filter((upload) => upload.path === path);
    const last = own.findLastIndex(({ fate }) => fate === 'acknowledged');
    const { status, text } = await send(url, 'GET', `${artifactApi}/${path}`);
    expect(names.includes(path.slice(folder.length + 1)), `${path} is listed`).toBe(status === 200);
    if (status === 404) expect(last, `${path} is gone`).toBe(-1);
    else
      expect(
        own.slice(Math.max(last, 0)).some(({ content }) => content === text),
        `${path} has ${text.length} bytes`,
      ).toBe(true);
  }
  const known = new Set(uploads.map(({ path }) => path.slice(folder.length + 1)));
  expect(names.filter((name) => !known.has(name))).toEqual([]);
}

interface Round {
  readonly run: string;
  readonly journals: readonly Journal[];
}

async function round(
  server: TestServer,
  experiment: string,
  label: string,
  random: Random,
  crash: () => Promise<TestServer>,
) {
  const run = await newRun(server.url, experiment);
  let stopped = false;
  const writers = Array.from({ length: WRITERS }, (_, i) =>
    write(server.url, experiment, run, `${label}w${i}`, random, () => stopped),
  );
  await sleep(150 + random.below(700));
  const crashed = crash();
  await sleep(50);
  stopped = true;
  const journals = await Promise.all(writers);
  return { server: await crashed, round: { run, journals } };
}

async function loop(start: TestServer, crash: (server: TestServer) => Promise<TestServer>): Promise<TestServer> {
  const random = new Random();
  let server = start;
  const experiment = await newExperiment(server.url);
  const done: Round[] = [];
  for (let n = 0; n < rounds; n++) {
    const before = server;
    const result = await round(before, experiment, `r${n}`, random, () => crash(before));
    server = result.server;
    done.push(result.round);
    const acknowledged = result.round.journals.flatMap((j) => [
      ...j.steps,
      ...j.batches,
      ...j.tagValues,
      ...j.created,
      ...j.uploads,
    ]);
    expect(acknowledged.filter(({ fate }) => fate === 'acknowledged').length).toBeGreaterThan(0);
    for (const [i, journal] of result.round.journals.entries())
      await check(server.url, experiment, result.round.run, `r${n}w${i}`, journal);
  }
  // A crash loses nothing of what earlier rounds left either.
  for (const [n, { run, journals }] of done.entries()) {
    for (const [i, journal] of journals.entries()) await check(server.url, experiment, run, `r${n}w${i}`, journal);
  }
  return server;
}

const killServer = async (server: TestServer): Promise<TestServer> => {
  await server.kill9();
  return server.restart();
};

test(`SQLite: the server is killed ${rounds} times`, async () => {
  const server = await loop(await startServer(), killServer);
  expectNoIncident(server);
  expect(await server.stop()).toBe(0);
});

describe.skipIf(findPostgres() === undefined)('PostgreSQL that syncs (not tested without PostgreSQL)', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startPostgres({ fsync: true });
  });
  afterAll(() => cluster.stop());

  test(`the server is killed ${rounds} times`, async () => {
    const url = (await cluster.createDatabase()) as `postgresql://${string}`;
    const server = await loop(await startServer({ backend: url }), killServer);
    expectNoIncident(server);
    expect(await server.stop()).toBe(0);
  });

  test(`the database is killed ${rounds} times, and the server goes on without a restart`, async () => {
    const url = (await cluster.createDatabase()) as `postgresql://${string}`;
    const server = await loop(await startServer({ backend: url }), async (same) => {
      await cluster.kill9();
      await cluster.restart();
      return same;
    });
    expectNoIncident(server);
    expect(await server.stop()).toBe(0);
  });
});
