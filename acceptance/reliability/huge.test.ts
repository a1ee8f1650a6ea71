// Promise: bodies, nesting, headers and filters are bounded and refused in words; artifacts stream in constant memory.
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startServer, type TestServer } from '@millrace/tools/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { residentBytes } from './memory.ts';
import {
  type Answer,
  artifactApi,
  call,
  expectErrorBody,
  expectNoIncident,
  isLong,
  newExperiment,
  newRun,
  send,
} from './support.ts';

const MB = 2 ** 20;
const FILE = (isLong ? 5_000 : 1_000) * MB;
const GROWTH = 96 * MB;

let server: TestServer;
let experiment: string;
let run_id: string;
beforeAll(async () => {
  server = await startServer();
  experiment = await newExperiment(server.url);
  run_id = await newRun(server.url, experiment);
});
afterAll(() => server.stop());

const json = { 'content-type': 'application/json' };
const create = (body: string | Buffer): Promise<Answer> =>
  send(server.url, 'POST', '/api/2.0/mlflow/experiments/create', { body, headers: json, agent: false });

describe('JSON', () => {
  test('a body of just under 16 MiB is read', async () => {
    const answer = await create(JSON.stringify({ name: 'x'.repeat(16 * MB - 100) }));
    expect(answer.status).toBe(400);
    expectErrorBody(answer, 'a long name');
    expect(answer.text.length).toBeLessThan(10_000);
  });

  test('a larger one is refused by its length alone', async () => {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const { hostname, port } = new URL(server.url);
      const headers = { ...json, 'content-length': 2 ** 40 };
      const outgoing = request(
        { hostname, port, method: 'POST', path: '/api/2.0/mlflow/experiments/create', headers },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () => {
            const bytes = Buffer.concat(chunks);
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text: bytes.toString() });
            outgoing.destroy();
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.flushHeaders();
    });
    expect(answer.status).toBe(413);
    expectErrorBody(answer, 'a length of 1 TB');
  });

  test('a larger one without a length is refused on the way', async () => {
    const { hostname, port } = new URL(server.url);
    const status = await new Promise<number>((resolve, reject) => {
      const outgoing = request(
        { hostname, port, method: 'POST', path: '/api/2.0/mlflow/experiments/create', headers: json },
        (incoming) => {
          resolve(incoming.statusCode ?? 0);
          outgoing.destroy();
        },
      );
      outgoing.on('error', reject);
      const chunk = Buffer.alloc(MB, 'x');
      Readable.from(Array.from({ length: 64 }, () => chunk)).pipe(outgoing);
    }).catch((error: NodeJS.ErrnoException) => error.code);
    // The server closes the connection with its answer; which of them the client sees first is its luck.
    expect([413, 'ECONNRESET', 'EPIPE']).toContain(status);
  });

  test.each([
    ['lists', '['.repeat(500_000)],
    ['closed lists', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['open objects', '{"a":'.repeat(500_000)],
  ])('deeply nested %s', async (_name, body) => {
    for (const text of [body, `{"name":${body}}`, `{"name":"n","tags":${body}}`]) {
      const answer = await create(text);
      expect(answer.status).toBe(400);
      expectErrorBody(answer, 'nested');
    }
  });

  test.each([
    ['a million keys', `{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`).join()}}`],
    ['long numbers', `{"name":${'9'.repeat(15 * MB)}}`],
    ['NaN everywhere', `{"a":[${'NaN,'.repeat(1_000_000)}0]}`],
    ['escapes', `{"name":"${'\\u0041'.repeat(2 * MB)}"}`],
    ['a million tags', `{"name":"n","tags":[${'{"key":"k","value":"v"},'.repeat(400_000)}{}]}`],
  ])('%s', async (_name, body) => {
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expectErrorBody(answer, 'large');
  });
});

describe('search', () => {
  const search = (body: object) => call(server.url, 'POST', 'runs/search', { experiment_ids: [experiment], ...body });
  test.each([
    ['a filter that is too long', { filter: `params.a = '${'x'.repeat(100_000)}'` }],
    ['too many clauses', { filter: Array.from({ length: 200 }, (_, i) => `params.p${i} = 'x'`).join(' AND ') }],
    ['too deep a filter', { filter: `${'('.repeat(5_000)}params.a = 'x'${')'.repeat(5_000)}` }],
    ['an open string', { filter: `params.a = '${'\\'.repeat(50_000)}` }],
    ['too long a list', { filter: `attributes.run_id IN (${"'x',".repeat(5_000)}'x')` }],
    ['too many orders', { order_by: Array.from({ length: 100 }, (_, i) => `metrics.m${i} DESC`) }],
    ['a page that is too large', { max_results: 10_000_000 }],
    ['a page token that is none', { page_token: 'x'.repeat(100_000) }],
  ])('%s is refused', async (_name, body) => {
    const answer = await search(body);
    expect(answer.status, answer.text).toBe(400);
    expectErrorBody(answer, JSON.stringify(body).slice(0, 100));
    expect(answer.text.length).toBeLessThan(5_000);
  });

  test('many experiments at once are none too many', async () => {
    const answer = await search({ experiment_ids: Array.from({ length: 50_000 }, (_, i) => String(i + 1000)) });
    expect([200, 400]).toContain(answer.status);
  });

  test.each(['LIKE', 'ILIKE'])('%s of many wildcards ends', async (comparison) => {
    await call(server.url, 'POST', 'runs/log-parameter', { run_id, key: 'long', value: 'a'.repeat(6_000) });
    const answer = await search({ filter: `params.long ${comparison} '${'%a'.repeat(3_000)}b'` });
    expect([200, 400]).toContain(answer.status);
  });
});

test('headers over the limit', async () => {
  const answer = await send(server.url, 'GET', '/health', {
    headers: { 'x-large': 'x'.repeat(100_000) },
    agent: false,
  });
  expect(answer.status).toBe(431);
});

test.each([
  'bytes=0-0',
  'bytes=-1',
  'bytes=99999999999999999999-',
  'bytes=5-1',
  'bytes=0-99999999999999999999',
  `bytes=${'0-0,'.repeat(3_000)}0-0`,
])('range %s', async (range) => {
  const path = `${artifactApi}/${experiment}/${run_id}/artifacts/ranged.txt`;
  await send(server.url, 'PUT', path, { body: 'content' });
  const answer = await send(server.url, 'GET', path, { headers: { range }, agent: false });
  expect([200, 206, 416, 431]).toContain(answer.status);
  expect(answer.bytes.length).toBeLessThan(1_000);
});

test(`an artifact of ${FILE / MB} MB goes up and down in constant memory`, async () => {
  const path = `${artifactApi}/${experiment}/${run_id}/artifacts/huge.bin`;
  const { hostname, port } = new URL(server.url);
  const chunk = Buffer.alloc(MB, 'millrace');
  const expected = createHash('sha256');
  let most = 0;
  const before = residentBytes(server.pid);
  const watch = setInterval(() => {
    most = Math.max(most, residentBytes(server.pid));
  }, 50);
  function* content() {
    for (let sent = 0; sent < FILE; sent += chunk.length) {
      expected.update(chunk);
      yield chunk;
    }
  }
  const status = await new Promise<number>((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method: 'PUT', path, headers: { 'content-length': FILE } },
      (incoming) => {
        incoming.resume().on('end', () => resolve(incoming.statusCode ?? 0));
      },
    );
    pipeline(Readable.from(content()), outgoing).catch(reject);
  });
  expect(status).toBe(200);
  const found = createHash('sha256');
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    request({ hostname, port, path }, (incoming) => {
      const sink = new Writable({
        write(bytes: Buffer, _encoding, done) {
          found.update(bytes);
          received += bytes.length;
          done();
        },
      });
      pipeline(incoming, sink).then(resolve, reject);
    })
      .on('error', reject)
      .end();
  });
  clearInterval(watch);
  expect(received).toBe(FILE);
  expect(found.digest('hex')).toBe(expected.digest('hex'));
  expect(most - before).toBeLessThan(GROWTH);
  expect((await send(server.url, 'DELETE', path)).status).toBe(200);
});

test('the server wrote of no incident', () => expectNoIncident(server));
