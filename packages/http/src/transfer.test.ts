import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { DomainError } from '@millrace/core';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from './app.ts';
import { mountOperations, mountRaw } from './operations.ts';
import { type OpenedFile, type Range, receiveInto, sendArtifact } from './transfer.ts';

const content = Buffer.from('0123456789');
const lastModified = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));

/** What the route sends, and what was asked of it. */
let file: { filename: string; content: Buffer; etag: string; openedEtag?: string; stream?: () => Readable };
let opened: (Range | undefined)[];
let streams: Readable[];
let received: { chunks: number; error?: unknown };
let app: FastifyInstance;
let port: number;

const path = '/api/2.0/mlflow-artifacts/artifacts/x';

beforeAll(async () => {
  app = createApp({ logLevel: 'silent', allowedHosts: [], allowedOrigins: [] });
  mountOperations(
    app,
    {},
    {
      'MlflowArtifactsService.downloadArtifact': ({ request, reply }) =>
        sendArtifact(request, reply, {
          filename: file.filename,
          stat: async () => ({ size: file.content.length, etag: file.etag, lastModified }),
          open: async (range) => open(range),
        }),
      'MlflowArtifactsService.uploadArtifact': ({ request, reply }) =>
        receiveInto(request, reply, async ({ body, signal }) => {
          signal.addEventListener('abort', () => {
            received.error = 'aborted';
          });
          for await (const _ of body.iterator({ destroyOnReturn: false })) {
            received.chunks += 1;
            if (received.chunks === 2) throw new DomainError('RESOURCE_CONFLICT', 'a folder is there');
          }
        }),
    },
  );
  mountRaw(app, 'PUT', '/refused', async () => {
    throw new DomainError('RESOURCE_DOES_NOT_EXIST', 'no such run');
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  port = (app.server.address() as { port: number }).port;
});
afterAll(() => app.close());

beforeEach(() => {
  file = { filename: 'a.txt', content, etag: '"one"' };
  opened = [];
  streams = [];
  received = { chunks: 0 };
});

function open(range: Range | undefined): OpenedFile {
  opened.push(range);
  const { start, end } = range ?? { start: 0 };
  const bytes = file.content.subarray(start, end === undefined ? undefined : end + 1);
  const stream = file.stream?.() ?? new Readable({ read() {} });
  if (file.stream === undefined) {
    stream.push(bytes);
    stream.push(null);
  }
  streams.push(stream);
  return { size: file.content.length, etag: file.openedEtag ?? file.etag, lastModified, stream };
}

const get = (headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
  app.inject({ method, url: path, headers: { host: 'localhost', ...headers } });

/** The bytes that a plain connection gets for these, until the server ends it. */
function exchange(request: string | Buffer, more?: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(request);
      if (more !== undefined) socket.write(more);
    });
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

describe('a whole file', () => {
  test('is an attachment that no browser shows', async () => {
    const { statusCode, body, headers } = await get();
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: '0123456789' });
    expect(headers).toMatchObject({
      'content-type': 'text/plain',
      'content-disposition': 'attachment; filename="a.txt"',
      'content-length': '10',
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
      etag: '"one"',
    });
  });
  test.each([
    ['model.pkl', 'application/octet-stream', 'attachment; filename="model.pkl"'],
    ['page.html', 'text/html', 'attachment; filename="page.html"'],
    ['MLmodel', 'application/octet-stream', 'attachment; filename="MLmodel"'],
    ['ünï 二.png', 'image/png', "attachment; filename*=UTF-8''%C3%BCn%C3%AF%20%E4%BA%8C.png"],
    ['a"b;\'(1).csv', 'text/csv', "attachment; filename*=UTF-8''a%22b%3B%27%281%29.csv"],
  ])('%s', async (filename, type, disposition) => {
    file = { ...file, filename };
    const { headers } = await get();
    expect([headers['content-type'], headers['content-disposition']]).toEqual([type, disposition]);
  });
  test('of no bytes', async () => {
    file = { ...file, content: Buffer.alloc(0) };
    const { statusCode, headers, body } = await get();
    expect({ statusCode, length: headers['content-length'], body }).toEqual({
      statusCode: 200,
      length: '0',
      body: '',
    });
  });
  test('HEAD opens nothing, and knows no ranges', async () => {
    const { headers: whole } = await get();
    opened = [];
    for (const range of [{}, { range: 'bytes=2-3' }]) {
      const { statusCode, headers, body } = await get(range, 'HEAD');
      expect({ statusCode, body }).toEqual({ statusCode: 200, body: '' });
      expect({ ...headers, date: '', connection: '' }).toEqual({ ...whole, date: '', connection: '' });
    }
    expect(opened).toEqual([]);
  });
});

describe('a range', () => {
  test.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=2-5', '2345', 'bytes 2-5/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-100', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-1000000', '89', 'bytes 8-9/10'],
    [`bytes=8-${'9'.repeat(400)}`, '89', 'bytes 8-9/10'],
  ])('%s', async (range, body, contentRange) => {
    const answer = await get({ range });
    expect({ status: answer.statusCode, body: answer.body, range: answer.headers['content-range'] }).toEqual({
      status: 206,
      body,
      range: contentRange,
    });
    expect(answer.headers['content-length']).toBe(String(body.length));
  });
  test.each(['bytes=10-', 'bytes=10-20', 'bytes=-0', `bytes=${'9'.repeat(400)}-`])(
    '%s is behind the end',
    async (range) => {
      const { statusCode, headers, json } = await get({ range });
      expect({ statusCode, range: headers['content-range'], opened }).toEqual({
        statusCode: 416,
        range: 'bytes */10',
        opened: [],
      });
      expect(json()).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' });
    },
  );
  test.each(['bytes=5-2', 'bytes=', 'bytes=-', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b', ''])(
    "'%s' means the whole file",
    async (range) => {
      const { statusCode, body } = await get({ range });
      expect({ statusCode, body }).toEqual({ statusCode: 200, body: '0123456789' });
    },
  );
  test('of what was replaced since it was measured is the whole new file', async () => {
    file.openedEtag = '"two"';
    const { statusCode, body, headers } = await get({ range: 'bytes=2-5' });
    expect({ statusCode, body, etag: headers.etag }).toEqual({ statusCode: 200, body: '0123456789', etag: '"two"' });
    expect(streams.map((stream) => stream.destroyed)).toEqual([true, true]);
  });
});

describe('conditions', () => {
  test.each(['"one"', 'W/"one"', '"zero", "one"', '*'])('If-None-Match: %s', async (tag) => {
    const { statusCode, headers, body } = await get({ 'if-none-match': tag });
    expect({ statusCode, etag: headers.etag, body, opened }).toEqual({
      statusCode: 304,
      etag: '"one"',
      body: '',
      opened: [],
    });
  });
  test.each(['"two"', 'one', '"on", "e"'])('If-None-Match: %s does not match', async (tag) => {
    expect((await get({ 'if-none-match': tag })).statusCode).toBe(200);
  });
  test('If-Range', async () => {
    const statusOf = async (tag: string) => (await get({ range: 'bytes=1-2', 'if-range': tag })).statusCode;
    expect(await statusOf('"one"')).toBe(206);
    expect(await statusOf('"two"')).toBe(200);
    expect(await statusOf('W/"one"')).toBe(200);
    expect(await statusOf(lastModified.toUTCString())).toBe(200);
  });
});

describe('a stream that breaks', () => {
  const cut = (how: (stream: Readable) => void) => {
    const stream = new Readable({ read() {} });
    stream.push(Buffer.alloc(100_000));
    setImmediate(() => how(stream));
    return stream;
  };
  test.each([
    ['with an error', (stream: Readable) => void stream.destroy(new Error('the store is gone'))],
    ['by ending early', (stream: Readable) => void stream.push(null)],
    ['by sending too much', (stream: Readable) => void stream.push(Buffer.alloc(200_001))],
  ])('%s never ends as if it were whole', async (_how, how) => {
    file = { ...file, content: Buffer.alloc(300_000), stream: () => cut(how) };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect(streams[0]!.destroyed).toBe(true);
  });
  test('because the client went away is released', async () => {
    file = { ...file, content: Buffer.alloc(300_000), stream: () => cut(() => {}) };
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`));
    await new Promise((resolve) => socket.once('data', resolve));
    const closed = new Promise((resolve) => streams[0]!.once('close', resolve));
    socket.destroy();
    await closed;
  });
});

describe('an upload', () => {
  const put = (url: string, headers: string, body: Buffer) =>
    exchange(`PUT ${url} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n\r\n`, body);

  test('that is refused before its body is read', async () => {
    const answer = await put('/refused', 'content-length: 1000000', Buffer.alloc(1_000_000));
    expect(answer).toMatch(/^HTTP\/1.1 404 Not Found\r\n/);
    expect(answer.toLowerCase()).toContain('connection: close');
    expect(answer).toMatch(/\{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such run"\}$/);
  });
  test('that is refused in the middle', async () => {
    const answer = await put(path, 'content-length: 1000000', Buffer.alloc(1_000_000));
    expect(answer).toMatch(/^HTTP\/1.1 409 Conflict\r\n/);
    expect(received).toEqual({ chunks: 2 });
  });
  test('that is refused is not read for ever', async () => {
    let sent = 0;
    const size = 1e12;
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(`PUT /refused HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${size}\r\n\r\n`);
        const more = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) sent += 65_536;
        };
        socket.on('drain', more);
        more();
      });
      socket.on('error', () => {}).on('close', () => resolve());
    });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
  test('of a client that goes away is aborted', async () => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`PUT ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n1`),
    );
    await expect.poll(() => received.chunks).toBe(1);
    socket.destroy();
    await expect.poll(() => received.error).toBe('aborted');
  });
  test('Expect: 100-continue', async () => {
    const headers = 'content-length: 2\r\nexpect: 100-continue\r\nconnection: close';
    expect(await put(path, headers, Buffer.from('ab'))).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  });
});
