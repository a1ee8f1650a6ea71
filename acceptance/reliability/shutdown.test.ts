// Promise: SIGTERM under load: what was accepted is answered, no connection is reset, the exit code is 0, and all is kept.
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '@millrace/tools/testkit';
import { describe, expect, test } from 'vitest';
import {
  artifactApi,
  backends,
  call,
  expectNoIncident,
  history,
  newExperiment,
  newRun,
  Random,
  rounds,
  send,
} from './support.ts';

const CLIENTS = 12;

interface Seen {
  readonly acknowledged: number[];
  readonly failures: string[];
}

/** Writes over one connection until there is no server. Where none listens any more, that is the end. */
async function client(url: string, run_id: string, key: string): Promise<Seen> {
  const seen: Seen = { acknowledged: [], failures: [] };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let step = 0; ; step++) {
    try {
      const body = { run_id, key, value: step, step, timestamp: step };
      const { status, headers } = await call(url, 'POST', 'runs/log-metric', body, { agent });
      if (status === 200) seen.acknowledged.push(step);
      else if (status !== 503 || headers['retry-after'] === undefined) seen.failures.push(`status ${status}`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ECONNREFUSED') break;
      seen.failures.push(String(error));
    }
  }
  agent.destroy();
  return seen;
}

/** A large upload that has begun is taken to its end. */
async function upload(url: string, path: string, body: Buffer): Promise<string> {
  try {
    const { status } = await send(url, 'PUT', `${artifactApi}/${path}`, { body, agent: false });
    return status === 200 ? 'stored' : `status ${status}`;
  } catch (error) {
    return String(error);
  }
}

describe.each(backends)('on %s', (backend) => {
  test(`SIGTERM under load, ${rounds} times`, async () => {
    const random = new Random();
    let server: TestServer = await startServer({ backend });
    const experiment = await newExperiment(server.url);
    for (let round = 0; round < rounds; round++) {
      const run = await newRun(server.url, experiment);
      const clients = Array.from({ length: CLIENTS }, (_, i) => client(server.url, run, `m${i}`));
      await sleep(100 + random.below(300));
      const file = Buffer.alloc(30_000_000, round);
      const path = `${experiment}/${run}/artifacts/large.bin`;
      const uploading = upload(server.url, path, file);
      await sleep(20);
      expect(await server.stop()).toBe(0);
      const seen = await Promise.all(clients);
      expect(seen.flatMap(({ failures }) => failures)).toEqual([]);
      const uploaded = await uploading;
      expect(uploaded).toMatch(/stored|ECONNREFUSED|503/);
      expectNoIncident(server);

      server = await server.restart();
      for (const [i, { acknowledged }] of seen.entries()) {
        const steps = new Set((await history(server.url, run, `m${i}`)).map(({ step }) => step));
        expect(acknowledged.filter((step) => !steps.has(step))).toEqual([]);
      }
      if (uploaded === 'stored') {
        const { bytes } = await send(server.url, 'GET', `${artifactApi}/${path}`);
        expect(bytes.equals(file)).toBe(true);
      }
    }
    expect(await server.stop()).toBe(0);
  });
});
