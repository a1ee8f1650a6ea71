// Promise: slow clients cost nothing: those that send or read nothing are closed in time, and the others are served meanwhile.
import { connect, type Socket } from 'node:net';
import { startServer, type TestServer } from '@millrace/tools/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { residentBytes } from './memory.ts';
import { artifactApi, expectNoIncident, getRun, newExperiment, newRun, post, send } from './support.ts';

const SLOW = 50;

let server: TestServer;
let run: string;
let folder: string;
beforeAll(async () => {
  server = await startServer();
  const experiment = await newExperiment(server.url);
  run = await newRun(server.url, experiment);
  folder = `${artifactApi}/${experiment}/${run}/artifacts`;
  await send(server.url, 'PUT', `${folder}/big.bin`, { body: Buffer.alloc(50_000_000) });
});
afterAll(() => server.stop());

interface Slow {
  readonly closed: Promise<void>;
  readonly socket: Socket;
}

function slow(first: string, drip?: string): Slow {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(first);
  const timer = drip === undefined ? undefined : setInterval(() => socket.write(drip), 500);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      clearInterval(timer);
      resolve();
    });
  });
  return { socket, closed };
}

const many = (make: () => Slow): Slow[] => Array.from({ length: SLOW }, make);
const head = (method: string, path: string, headers: string) =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`;

test('the others are served while slow ones come and are closed', async () => {
  const before = residentBytes(server.pid);
  const groups = {
    'say nothing': many(() => slow('')),
    'send half a header': many(() => slow('GET /health HTTP/1.1\r\nHost: 127')),
    'drip headers': many(() => slow('GET /health HTTP/1.1\r\n', 'X-More: 1\r\n')),
    'send half a JSON body': many(() =>
      slow(
        `${head('POST', '/api/2.0/mlflow/runs/create', 'Content-Type: application/json\r\nContent-Length: 1000\r\n')}{"a"`,
      ),
    ),
    'send half an artifact': many(() => slow(`${head('PUT', `${folder}/half.bin`, 'Content-Length: 100000\r\n')}half`)),
  };
  // These never end by themselves, and may stay while bytes flow: they cost a socket.
  const dripping = many(() =>
    slow(
      head('POST', '/api/2.0/mlflow/runs/create', 'Content-Type: application/json\r\nContent-Length: 1000\r\n'),
      '{',
    ),
  );
  const notReading = many(() => {
    const reader = slow(head('GET', `${folder}/big.bin`, ''));
    reader.socket.pause();
    return reader;
  });

  for (let step = 0; step < 200; step++) {
    await post(server.url, 'runs/log-metric', { run_id: run, key: 'm', value: step, step, timestamp: step });
    expect((await send(server.url, 'GET', '/health', { agent: false })).text).toBe('OK');
  }
  expect((await getRun(server.url, run)).data.metrics?.[0]?.step).toBe(199);
  expect(residentBytes(server.pid) - before).toBeLessThan(300 * 2 ** 20);

  for (const [name, sockets] of Object.entries(groups)) {
    for (const { socket } of sockets) socket.resume();
    await Promise.all(sockets.map(({ closed }) => closed));
    console.log(`closed: those that ${name}`);
  }
  for (const { socket } of [...dripping, ...notReading]) socket.destroy();
  expect((await send(server.url, 'GET', '/health', { agent: false })).text).toBe('OK');
  expect((await send(server.url, 'GET', `${folder}/half.bin`)).status).toBe(404);
  expectNoIncident(server);
});
