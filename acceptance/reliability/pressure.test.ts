// Promise: beyond capacity the server refuses with 429 or 503 and Retry-After instead of growing; /health answers throughout,
// memory stays bounded, and afterwards all is as before.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '@millrace/tools/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { residentBytes } from './memory.ts';
import { backends, expectNoIncident, getRun, history, isLong, newExperiment, newRun, post, send } from './support.ts';

const CONNECTIONS = 100;
const PIPELINED = isLong ? 1_000 : 150;

interface Flood {
  readonly statuses: Map<number, number>;
  readonly refusalsWithoutRetryAfter: number;
}

/** Sends many requests on each of many connections without waiting for an answer. */
async function flood(server: TestServer, request: (connection: number, n: number) => string): Promise<Flood> {
  const statuses = new Map<number, number>();
  let refusalsWithoutRetryAfter = 0;
  const one = (connection: number) =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1');
      let text = '';
      let answered = 0;
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
        const heads = text.split(/(?=HTTP\/1\.1 \d{3} )/);
        // The last one may be incomplete; the end of the connection completes it.
        text = heads.pop() ?? '';
        for (const head of heads) count(head);
      });
      const count = (head: string) => {
        const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
        if (status === 0) return;
        answered++;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if ((status === 429 || status === 503) && !/^retry-after: \d+/im.test(head)) refusalsWithoutRetryAfter++;
      };
      socket.on('error', reject).on('close', () => {
        count(text);
        if (answered === PIPELINED) resolve();
        else reject(new Error(`${answered} of ${PIPELINED} requests were answered`));
      });
      for (let n = 0; n < PIPELINED; n++) socket.write(request(connection, n));
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => one(i)));
  return { statuses, refusalsWithoutRetryAfter };
}

const message = (path: string, body: object, last: boolean): string => {
  const text = JSON.stringify(body);
  const close = last ? 'Connection: close\r\n' : '';
  return `POST /api/2.0/mlflow/${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n${close}\r\n${text}`;
};

describe.each(backends)('on %s', (backend) => {
  let server: TestServer;
  let run_id: string;
  beforeAll(async () => {
    server = await startServer({ backend });
    run_id = await newRun(server.url, await newExperiment(server.url));
  });
  afterAll(() => server.stop());

  test('a flood of writes and searches', async () => {
    await post(server.url, 'runs/log-metric', { run_id, key: 'before', value: 1, step: 0, timestamp: 1 });
    const before = residentBytes(server.pid);
    let flooding = true;
    const healthy = (async () => {
      let asked = 0;
      for (; flooding; asked++) {
        expect((await send(server.url, 'GET', '/health', { agent: false })).text).toBe('OK');
        await sleep(10);
      }
      return asked;
    })();
    const { statuses, refusalsWithoutRetryAfter } = await flood(server, (connection, n) =>
      n % 10 === 9
        ? message('runs/search', { experiment_ids: ['0'] }, n === PIPELINED - 1)
        : message(
            'runs/log-metric',
            { run_id, key: `m${connection}`, value: n, step: n, timestamp: n },
            n === PIPELINED - 1,
          ),
    );
    flooding = false;
    expect(await healthy).toBeGreaterThan(0);
    expect([...statuses.keys()].filter((status) => ![200, 429, 503].includes(status))).toEqual([]);
    expect(refusalsWithoutRetryAfter).toBe(0);
    expect(residentBytes(server.pid) - before).toBeLessThan(300 * 2 ** 20);
    console.log(`answers: ${[...statuses].map(([status, count]) => `${count} times ${status}`).join(', ')}`);

    // Afterwards everything works, and all that was acknowledged is there: as many points as answers of 200 to writes.
    await post(server.url, 'runs/log-metric', { run_id, key: 'after', value: 1, step: 0, timestamp: 1 });
    const keys = (await getRun(server.url, run_id)).data.metrics?.map(({ key }) => key) ?? [];
    const stored = await Promise.all(
      keys.filter((key) => key.startsWith('m')).map((key) => history(server.url, run_id, key)),
    );
    const writes = CONNECTIONS * PIPELINED * 0.9;
    const refused = (statuses.get(429) ?? 0) + (statuses.get(503) ?? 0);
    expect(stored.flat().length).toBeGreaterThanOrEqual(writes - refused);
    expect(stored.flat().length).toBeLessThanOrEqual(writes);
    expectNoIncident(server);
  });
});
