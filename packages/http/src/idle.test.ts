import { createServer, get, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { IdleConnections } from './idle.ts';

const TIMEOUT_MS = 50;

describe('connections on which nothing moves', () => {
  let server: Server;
  afterEach(() => server.close());

  async function listen(answer: (end: (text: string) => void) => void): Promise<number> {
    server = createServer((request, response) => {
      idle.began(request, response);
      answer((text) => response.end(text));
    });
    server.setTimeout(TIMEOUT_MS);
    const idle = new IdleConnections(server, TIMEOUT_MS);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  it('wait while the server is at work on the answer', async () => {
    const port = await listen((end) => void sleep(6 * TIMEOUT_MS).then(() => end('late')));
    const text = await new Promise<string>((resolve, reject) => {
      get({ port, host: '127.0.0.1' }, (response) => {
        response.setEncoding('utf8').on('data', resolve);
      }).on('error', reject);
    });
    expect(text).toBe('late');
  });

  it('are closed where the client sends only part of its body', async () => {
    let began = false;
    const port = await listen(() => {
      began = true;
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nhalf');
    await new Promise((resolve) => socket.resume().once('close', resolve));
    expect(began).toBe(true);
  });

  it('are closed where the client does not read', async () => {
    const port = await listen((end) => end('x'.repeat(20_000_000)));
    const socket = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => server.once('connection', (peer) => peer.once('close', resolve)));
    socket.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
    socket.pause();
    await closed;
    socket.destroy();
  });

  it('are closed where the client asks nothing', async () => {
    const port = await listen((end) => end('never'));
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.resume().once('close', resolve));
  });
});
