// Promise: retries are harmless: a client that missed the answer and asks again leaves the same state as one that did not.
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startServer, type TestServer } from '@millrace/tools/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  artifactApi,
  backends,
  call,
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

/** Passes requests on; of some it drops the answer once the server has given it. */
async function startLossyProxy(
  target: string,
  drops: () => boolean,
): Promise<{ server: Server; url: string; dropped: () => number }> {
  const { hostname, port } = new URL(target);
  let dropped = 0;
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const passed = request({ hostname, port, method, path: url, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        if (drops()) {
          dropped++;
          incoming.socket.destroy();
        } else {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(chunks));
        }
      });
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, dropped: () => dropped };
}

async function untilAnswered(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch {
      // No answer: asks again, as clients do.
    }
  }
}

describe.each(backends)('on %s', (backend) => {
  let server: TestServer;
  let proxy: Awaited<ReturnType<typeof startLossyProxy>>;
  const random = new Random();
  beforeAll(async () => {
    server = await startServer({ backend });
    proxy = await startLossyProxy(server.url, () => random.below(2) === 0);
  });
  afterAll(async () => {
    proxy.server.close();
    await server.stop();
  });

  /** What every step of a run writes, in the order in which a client would. */
  const writes = (run_id: string): [path: string, body: object][] =>
    Array.from({ length: 10 * rounds }, (_, n): [string, object][] => [
      ['runs/log-metric', { run_id, key: 'loss', value: 1 / (n + 1), step: n, timestamp: n }],
      ['runs/log-metric', { run_id, key: 'nan', value: 'NaN', step: 0, timestamp: n }],
      ['runs/log-parameter', { run_id, key: `p${n}`, value: `${n}` }],
      ['runs/set-tag', { run_id, key: 't', value: `${n}` }],
      [
        'runs/log-batch',
        {
          run_id,
          metrics: [0, 1, 1, 2].map((i) => ({ key: 'batch', value: i, step: n, timestamp: i })),
          params: [{ key: `b${n}`, value: 'x' }],
          tags: [{ key: `b${n}`, value: 'x' }],
        },
      ],
      [
        'runs/log-inputs',
        {
          run_id,
          datasets: [
            {
              tags: [{ key: 'mlflow.data.context', value: 'train' }],
              dataset: { name: 'd', digest: `${n}`, source_type: 's', source: '{}' },
            },
          ],
        },
      ],
      ['runs/update', { run_id, status: n % 2 === 0 ? 'FINISHED' : 'RUNNING', end_time: n, run_name: `name${n}` }],
      ['runs/delete', { run_id }],
      ['runs/restore', { run_id }],
    ]).flat();

  async function stateOf(run_id: string): Promise<unknown> {
    const run = await getRun(server.url, run_id);
    const { run_name, status, lifecycle_stage, end_time } = run.info;
    const points = await Promise.all(['loss', 'nan', 'batch'].map((key) => history(server.url, run_id, key)));
    return { ...run, info: { run_name, status, lifecycle_stage, end_time }, points };
  }

  test('a run written through losses is the run written without', async () => {
    const experiment = await newExperiment(server.url);
    const smooth = await newRun(server.url, experiment);
    for (const [path, body] of writes(smooth)) expect((await call(server.url, 'POST', path, body)).status).toBe(200);
    const lossy = await newRun(server.url, experiment);
    for (const [path, body] of writes(lossy)) {
      const answer = await untilAnswered(() => call(proxy.url, 'POST', path, body, { agent: false }));
      expect(answer.status, `${path} ${answer.text}`).toBe(200);
    }
    expect(proxy.dropped()).toBeGreaterThan(0);
    expect(await stateOf(lossy)).toEqual(await stateOf(smooth));
    // Statistics over a history count a point that was sent twice once.
    const ofBoth = await searchRuns(server.url, experiment, { filter: 'metrics.batch > 0' });
    expect(ofBoth).toHaveLength(2);
  });

  test('a run created through losses with an Idempotency-Key is there once', async () => {
    const experiment = await newExperiment(server.url);
    const created: string[] = [];
    for (let n = 0; n < 5 * rounds; n++) {
      const body = { experiment_id: experiment, start_time: n, tags: [{ key: 'n', value: `${n}` }] };
      const sent = { headers: { 'idempotency-key': `${experiment}-${n}` }, agent: false as const };
      // Several at once, as impatient clients do.
      const answers = await Promise.all(
        [1, 2, 3].map(() => untilAnswered(() => call(proxy.url, 'POST', 'runs/create', body, sent))),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      created.push((JSON.parse(answers[0]!.text) as { run: Run }).run.info.run_id);
    }
    const found = await searchRuns(server.url, experiment);
    expect(found.map(({ info }) => info.run_id).sort()).toEqual(created.sort());
  });

  test('a key names one request: another is refused, and so is what is no key', async () => {
    const experiment_id = await newExperiment(server.url);
    const create = (key: string, body: object) =>
      call(server.url, 'POST', 'runs/create', { experiment_id, ...body }, { headers: { 'idempotency-key': key } });
    expect((await create('one', { start_time: 1 })).status).toBe(200);
    const other = await create('one', { start_time: 2 });
    expect(other.status).toBe(400);
    expect(other.text).toContain('was used for another request');
    for (const key of ['', 'two words', 'x'.repeat(256)]) expect((await create(key, {})).status, key).toBe(400);
    // A refused request is not kept: its key is free.
    const missing = { experiment_id: '999999999' };
    expect((await create('free', missing)).status).toBe(404);
    expect((await create('free', { start_time: 1 })).status).toBe(200);
    expect(await searchRuns(server.url, experiment_id)).toHaveLength(2);
  });

  test('an artifact put and deleted through losses', async () => {
    const experiment = await newExperiment(server.url);
    const path = `${artifactApi}/${experiment}/${await newRun(server.url, experiment)}/artifacts/file.bin`;
    for (let n = 0; n < 3 * rounds; n++) {
      const body = Buffer.alloc(50_000, n);
      expect((await untilAnswered(() => send(proxy.url, 'PUT', path, { body, agent: false }))).status).toBe(200);
      expect((await send(server.url, 'GET', path)).bytes.equals(body)).toBe(true);
      expect((await untilAnswered(() => send(proxy.url, 'DELETE', path, { agent: false }))).status).toBe(200);
      expect((await send(server.url, 'GET', path)).status).toBe(404);
    }
  });
});
