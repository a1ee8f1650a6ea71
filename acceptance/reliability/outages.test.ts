// Promise: while the database or the disk is away the server says so, soon, and goes on without a restart once it is back.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Cluster,
  findPostgres,
  startPostgres,
  startServer,
  type TestServer,
  tempDir,
} from '@millrace/tools/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  artifactApi,
  call,
  expectErrorBody,
  expectNoIncident,
  getRun,
  history,
  newExperiment,
  newRun,
  rounds,
  send,
} from './support.ts';

const metric = (server: TestServer, run_id: string, step: number): Promise<Answer> =>
  call(server.url, 'POST', 'runs/log-metric', { run_id, key: 'm', value: step, step, timestamp: step });

async function untilOk(ask: () => Promise<Answer>): Promise<void> {
  while ((await ask()).status !== 200) await sleep(50);
}

describe.skipIf(findPostgres() === undefined)('PostgreSQL (not tested without it)', () => {
  let cluster: Cluster;
  let server: TestServer;
  let run_id: string;
  beforeAll(async () => {
    cluster = await startPostgres();
    server = await startServer({ backend: (await cluster.createDatabase()) as `postgresql://${string}` });
    run_id = await newRun(server.url, await newExperiment(server.url));
  });
  afterAll(async () => {
    await server.stop();
    await cluster.stop();
  });

  test(`stops and comes back, ${rounds} times`, async () => {
    const acknowledged: number[] = [];
    let step = 0;
    for (let round = 0; round < rounds; round++) {
      await cluster.stop();
      for (let i = 0; i < 5; i++) {
        for (const answer of await Promise.all([
          metric(server, run_id, ++step),
          call(server.url, 'POST', 'runs/search', { experiment_ids: ['0'] }),
          call(server.url, 'GET', 'runs/get', { run_id }),
        ])) {
          expect(answer.status, answer.text).toBe(503);
          expect(answer.headers['retry-after']).toMatch(/^\d+$/);
          expectErrorBody(answer, 'while the database is away');
        }
        expect((await send(server.url, 'GET', '/health')).text).toBe('OK');
      }
      await cluster.restart();
      const first = ++step;
      await untilOk(() => metric(server, run_id, first));
      acknowledged.push(first);
    }
    const steps = (await history(server.url, run_id, 'm')).map((point) => point.step);
    expect(steps).toEqual(expect.arrayContaining(acknowledged));
    expectNoIncident(server);
  });

  test('hangs: requests are told so, and what hung goes on afterwards', async () => {
    cluster.suspend();
    const hanging = Array.from({ length: 40 }, (_, i) => metric(server, run_id, 10_000 + i));
    const looking = call(server.url, 'GET', 'runs/get', { run_id });
    expect((await send(server.url, 'GET', '/health')).text).toBe('OK');
    for (const answer of await Promise.all([...hanging, looking])) {
      expect(answer.status, answer.text).toBe(503);
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    }
    cluster.resume();
    await untilOk(() => metric(server, run_id, 20_000));
    expect((await getRun(server.url, run_id)).data.metrics?.[0]?.step).toBe(20_000);
    expectNoIncident(server);
  });
});

const isRoot = process.getuid?.() === 0;
const small = tempDir('small-disk');
const mounted = isRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', small]).status === 0;
if (!mounted) console.warn('not tested: a full disk (only root can mount a small one)');

describe.skipIf(!mounted)('a full disk (not tested where no tmpfs can be mounted)', () => {
  afterAll(() => spawnSync('umount', [small]));

  test('writes are refused, reads go on, and after space is made all works without a restart', async () => {
    const server = await startServer({ dataDir: join(small, 'data') });
    const experiment = await newExperiment(server.url);
    const run_id = await newRun(server.url, experiment);
    const path = (name: string) => `${artifactApi}/${experiment}/${run_id}/artifacts/${name}`;
    expect((await send(server.url, 'PUT', path('before.bin'), { body: Buffer.alloc(1_000_000, 1) })).status).toBe(200);
    const filler = join(small, 'filler');
    try {
      writeFileSync(filler, Buffer.alloc(200_000_000));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }

    // What the log of the database has room for may still be written.
    const acknowledged: number[] = [];
    let refused: Answer | undefined;
    for (let step = 0; refused === undefined; step++) {
      const metrics = Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, value: step, step, timestamp: step }));
      const answer = await call(server.url, 'POST', 'runs/log-batch', { run_id, metrics });
      if (answer.status === 200) acknowledged.push(step);
      else refused = answer;
    }
    expect([503, 507]).toContain(refused.status);
    expectErrorBody(refused, 'a full disk');
    const upload = await send(server.url, 'PUT', path('refused.bin'), { body: Buffer.alloc(5_000_000) });
    expect(upload.status, upload.text).toBe(507);
    expect((await send(server.url, 'GET', path('refused.bin'))).status).toBe(404);
    expect((await send(server.url, 'GET', path('before.bin'))).bytes.equals(Buffer.alloc(1_000_000, 1))).toBe(true);
    expect((await getRun(server.url, run_id)).info.run_id).toBe(run_id);
    expect((await send(server.url, 'GET', '/health')).text).toBe('OK');

    rmSync(filler);
    const metrics = Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, value: 1, step: 1_000_000, timestamp: 1 }));
    expect((await call(server.url, 'POST', 'runs/log-batch', { run_id, metrics })).status).toBe(200);
    expect((await send(server.url, 'PUT', path('refused.bin'), { body: 'now' })).status).toBe(200);
    for (const key of ['k0', 'k250', 'k499']) {
      expect((await history(server.url, run_id, key)).map(({ step }) => step)).toEqual([...acknowledged, 1_000_000]);
    }
    expectNoIncident(server);
    expect(await server.stop()).toBe(0);
  });
});
