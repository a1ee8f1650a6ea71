import { type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { DomainError } from '@millrace/core';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from './app.ts';
import { JSON_BODY_LIMIT } from './errors.ts';
import { mountOperations } from './operations.ts';

const GET = '/api/2.0/mlflow/experiments/get?experiment_id=1';
const CREATE = '/api/2.0/mlflow/experiments/create';
const json = { host: 'localhost', 'content-type': 'application/json' };

let app: FastifyInstance;
beforeAll(async () => {
  app = createApp({
    logLevel: 'silent',
    allowedHosts: ['ml.example.com', 'Other.example.com:8080', '10.0.0.7'],
    allowedOrigins: ['https://ui.example.com/'],
  });
  app.get('/health', { exposeHeadRoute: true }, async () => 'OK');
  mountOperations(app, {
    'MlflowService.getExperiment': async ({ experiment_id }) => {
      if (experiment_id === '1') return { experiment: { experiment_id } };
      if (experiment_id === '2') throw new DomainError('RESOURCE_EXHAUSTED', 'Slow down.', { retryAfter: 7 });
      throw new TypeError('secret in /srv/secret.ts');
    },
    'MlflowService.createExperiment': async ({ name }) => ({ experiment_id: name }),
    'MlflowService.logModel': async () => ({}),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app?.close());

interface Sent {
  readonly url: string;
  readonly method?: string;
  readonly headers: Record<string, string>;
  readonly payload?: string | Buffer;
}

interface Answer {
  readonly statusCode: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Over a socket: any headers, any path. */
const ask = ({ url, method = 'GET', headers, payload = '' }: Sent) =>
  new Promise<Answer>((resolve, reject) => {
    const { port } = app.server.address() as AddressInfo;
    const length = payload === '' ? {} : { 'content-length': Buffer.byteLength(payload) };
    const sent = request(
      { host: '127.0.0.1', port, path: url, method, headers: { ...headers, ...length } },
      (answer) => {
        text(answer).then((body) => resolve({ statusCode: answer.statusCode, headers: answer.headers, body }), reject);
      },
    );
    sent.once('error', reject).end(payload);
  });

const bodyOf = ({ body }: Answer) => JSON.parse(body) as { error_code: string; message: string };

describe('who may ask', () => {
  it.each([
    ['localhost', 200],
    ['LOCALHOST:5000', 200],
    ['127.0.0.1:80', 200],
    ['[::1]:5000', 200],
    ['ml.example.com', 200],
    ['ML.example.com:443', 200],
    ['other.example.com:8080', 200],
    ['10.0.0.7:5000', 200],
    ['other.example.com:9090', 403],
    ['other.example.com', 403],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['evil.example:localhost', 403],
    ['xlocalhost', 403],
    ['ml.example.com.evil.example', 403],
    ['10.0.0.70', 403],
  ])('Host %j: %d', async (host, status) => {
    const answer = await ask({ url: GET, headers: { host } });
    expect(answer.statusCode).toBe(status);
    if (status === 403) expect(bodyOf(answer).message).toMatch(/^Invalid Host header .*--allowed-hosts/);
  });

  it('load balancers may ask for health by any name', async () => {
    expect((await ask({ url: '/health?x', headers: { host: 'anything' } })).statusCode).toBe(200);
    expect((await ask({ url: '/healthy', headers: { host: 'anything' } })).statusCode).toBe(403);
  });

  it.each([
    [undefined, 'localhost', 200],
    ['http://localhost', 'localhost', 200],
    ['http://localhost:5000', 'localhost:5000', 200],
    ['HTTPS://ML.example.com', 'ml.example.com', 200],
    ['https://ui.example.com', 'localhost', 200],
    ['https://UI.example.com', 'localhost', 200],
    ['https://ui.example.com.evil.example', 'localhost', 403],
    ['http://ui.example.com', 'localhost', 403],
    ['http://localhost:3000', 'localhost:5000', 403],
    ['http://evil.example', 'localhost', 403],
    ['null', 'localhost', 403],
    ['', 'localhost', 403],
  ])('Origin %j writing to %j: %d', async (origin, host, status) => {
    const headers = { ...json, host, ...(origin !== undefined && { origin }) };
    const answer = await ask({ method: 'POST', url: CREATE, headers, payload: '{"name":"x"}' });
    expect(answer.statusCode).toBe(status);
    // A page may read what its browser shows it anyway: the answer carries no permission for its scripts.
    expect((await ask({ url: GET, headers: { host, ...(origin !== undefined && { origin }) } })).statusCode).toBe(200);
  });

  it('pages of an admitted origin may read answers, and are told so before they send JSON', async () => {
    const preflight = (origin: string) =>
      ask({
        method: 'OPTIONS',
        url: CREATE,
        headers: {
          host: 'localhost',
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,x-mlflow-workspace',
        },
      });
    const yes = await preflight('https://ui.example.com');
    expect([yes.statusCode, yes.body]).toEqual([204, '']);
    expect(yes.headers).toMatchObject({
      'access-control-allow-origin': 'https://ui.example.com',
      'access-control-allow-methods': expect.stringContaining('PATCH') as string,
      'access-control-allow-headers': 'content-type,x-mlflow-workspace',
      vary: 'Origin',
    });
    const no = await preflight('https://evil.example');
    expect([no.statusCode, no.headers['access-control-allow-origin']]).toEqual([404, undefined]);
    for (const [origin, admitted] of [
      ['https://ui.example.com', 'https://ui.example.com'],
      ['https://evil.example', undefined],
    ] as const) {
      const { headers, body } = await ask({ url: GET, headers: { host: 'localhost', origin } });
      expect([headers['access-control-allow-origin'], body]).toEqual([
        admitted,
        '{"experiment":{"experiment_id":"1"}}',
      ]);
    }
  });

  it('every answer forbids sniffing and foreign frames', async () => {
    for (const url of [GET, '/nowhere']) {
      const { headers } = await ask({ url, headers: { host: 'localhost' } });
      expect([headers['x-content-type-options'], headers['x-frame-options']], url).toEqual(['nosniff', 'SAMEORIGIN']);
    }
  });
});

describe('what goes wrong', () => {
  const get = (url: string) => ask({ url, headers: { host: 'localhost' } });

  it('a defect is an incident with a number, and keeps its words and stack to the log', async () => {
    const answer = await get(GET.replace('=1', '=3'));
    expect(answer.statusCode).toBe(500);
    expect(bodyOf(answer)).toEqual({
      error_code: 'INTERNAL_ERROR',
      message: expect.stringMatching(/ incident [0-9a-f-]{36}\.$/) as string,
    });
    expect(answer.body).not.toMatch(/secret|TypeError/);
  });

  it('who has to wait is told how long', async () => {
    const answer = await get(GET.replace('=1', '=2'));
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '7']);
    expect(bodyOf(answer)).toEqual({ error_code: 'RESOURCE_EXHAUSTED', message: 'Slow down.' });
  });

  it('what does not exist is 404, what exists elsewhere only 501', async () => {
    for (const [method, url, status, code] of [
      ['GET', '/nowhere', 404, 'ENDPOINT_NOT_FOUND'],
      ['POST', GET, 404, 'ENDPOINT_NOT_FOUND'],
      ['GET', '/api/9.0/mlflow/experiments/get', 404, 'ENDPOINT_NOT_FOUND'],
      ['GET', '/api/2.0/mlflow/registered-models/get?name=x', 501, 'NOT_IMPLEMENTED'],
      ['GET', `/${'x'.repeat(5_000)}`, 404, 'ENDPOINT_NOT_FOUND'],
      ['GET', '/api/2.0/mlflow/%zz', 400, 'BAD_REQUEST'],
    ] as const) {
      const answer = await ask({ method, url, headers: json });
      expect([answer.statusCode, bodyOf(answer).error_code], url.slice(0, 60)).toEqual([status, code]);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.body.length).toBeLessThan(500);
    }
  });

  it('HEAD is answered without a body', async () => {
    const answer = await ask({ method: 'HEAD', url: '/health', headers: { host: 'localhost' } });
    expect([answer.statusCode, answer.body, answer.headers['content-length']]).toEqual([200, '', '2']);
  });
});

describe('bodies', () => {
  const post = (payload: string | Buffer, headers: Record<string, string> = json) =>
    ask({ method: 'POST', url: CREATE, headers, payload });

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON'])('%s is read', async (type) => {
    const answer = await post('{"name":"ü"}', { ...json, 'content-type': type });
    expect([answer.statusCode, answer.body]).toEqual([200, '{"experiment_id":"ü"}']);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
  });

  it.each(['text/plain', 'application/jsonx', 'application/x-www-form-urlencoded', ''])(
    '%j is refused',
    async (type) => {
      const answer = await post('{"name":"x"}', { host: 'localhost', ...(type !== '' && { 'content-type': type }) });
      expect(answer.statusCode).toBe(400);
      expect(bodyOf(answer).message).toMatch(/Content-Type should be 'application\/json'/);
    },
  );

  it('that are no JSON object are answered in words', async () => {
    for (const payload of ['', '{', 'null', '[]', '3', '"x"', '\ufeff{}', Buffer.from([0x7b, 0xff, 0x7d])]) {
      const { statusCode, body } = await post(payload);
      expect(statusCode, `${String(payload)} ${body}`).toBe(400);
    }
  });

  it('over the limit are refused by their length', async () => {
    const name = 'x'.repeat(JSON_BODY_LIMIT - '{"name":""}'.length);
    expect((await post(`{"name":"${name}"}`)).statusCode).toBe(200);
    const over = await post(`{"name":"${name}x"}`);
    expect([over.statusCode, bodyOf(over).message]).toEqual([413, expect.stringContaining(String(JSON_BODY_LIMIT))]);
  });
});
