// Promise: no partial artifact is ever visible, during or after an upload, and what a crash left is swept away.
import { existsSync, readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '@millrace/tools/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { artifactApi, expectNoIncident, newExperiment, newRun, send } from './support.ts';

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startServer();
  const experiment = await newExperiment(server.url);
  folder = `${experiment}/${await newRun(server.url, experiment)}/artifacts`;
});
afterAll(() => server.stop());

const list = async (at: string): Promise<string[]> => {
  const { text } = await send(server.url, 'GET', `${artifactApi}?path=${encodeURIComponent(at)}`);
  return ((JSON.parse(text) as { files?: { path: string }[] }).files ?? []).map(({ path }) => path);
};
const read = (path: string) => send(server.url, 'GET', `${artifactApi}/${path}`);
const put = (path: string, body: string | Buffer) => send(server.url, 'PUT', `${artifactApi}/${path}`, { body });
const temporary = (): string[] => {
  const temp = join(server.dataDir, 'artifacts/.millrace-tmp');
  return existsSync(temp) ? readdirSync(temp) : [];
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

/** Sends the head of a PUT and the first bytes of its body. */
async function beginPut(path: string, headers: string, body: string): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`PUT ${artifactApi}/${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${headers}\r\n\r\n${body}`);
  await until(() => temporary().length > 0);
  return socket;
}

const half = 'x'.repeat(300_000);
const cases = [
  { name: 'half-sent', headers: 'Content-Length: 600000', body: half },
  { name: 'chunked', headers: 'Transfer-Encoding: chunked', body: `${half.length.toString(16)}\r\n${half}\r\n` },
];

test.each(cases)(
  'a $name PUT is never seen, while it lasts and when it is cut off',
  async ({ name, headers, body }) => {
    const path = `${folder}/${name}/file.bin`;
    const socket = await beginPut(path, headers, body);
    expect((await read(path)).status).toBe(404);
    expect(await list(`${folder}/${name}`)).toEqual([]);
    expect(await list('')).not.toContain('.millrace-tmp');
    socket.destroy();
    await until(() => temporary().length === 0);
    expect((await read(path)).status).toBe(404);
    expect(await list(`${folder}/${name}`)).toEqual([]);
  },
);

test.each(cases)('a $name PUT over an existing file leaves it as it was', async ({ name, headers, body }) => {
  const path = `${folder}/over/${name}.bin`;
  expect((await put(path, 'the first')).status).toBe(200);
  const socket = await beginPut(path, headers, body);
  expect((await read(path)).text).toBe('the first');
  socket.destroy();
  await until(() => temporary().length === 0);
  expect((await read(path)).text).toBe('the first');
  expect(await list(`${folder}/over`)).toContain(`${name}.bin`);
});

test('a broken chunk stores nothing', async () => {
  const path = `${folder}/broken.bin`;
  const socket = await beginPut(path, 'Transfer-Encoding: chunked', `${half.length.toString(16)}\r\n${half}\r\n`);
  socket.write('not a length\r\n');
  await until(() => temporary().length === 0);
  expect((await read(path)).status).toBe(404);
});

test('of 12 PUTs to one path at once one is there, whole', async () => {
  const path = `${folder}/contested.bin`;
  const contents = Array.from({ length: 12 }, (_, i) => Buffer.alloc(400_000 + i, 97 + i));
  let done = false;
  const reader = (async () => {
    const seen: Buffer[] = [];
    while (!done) {
      const { status, bytes } = await read(path);
      if (status === 200) seen.push(bytes);
      else expect(status).toBe(404);
    }
    return seen;
  })();
  const answers = await Promise.all(contents.map((content) => put(path, content)));
  done = true;
  expect(answers.map(({ status }) => status)).toEqual(contents.map(() => 200));
  for (const bytes of [...(await reader), (await read(path)).bytes]) {
    expect(contents.some((content) => content.equals(bytes))).toBe(true);
  }
  expect(temporary()).toEqual([]);
});

test('what a killed server left is swept at the next start once it is old; what is young may be under way', async () => {
  const socket = await beginPut(`${folder}/killed.bin`, 'Content-Length: 600000', half);
  await server.kill9();
  socket.destroy();
  const [left] = temporary();
  expect(left).toBeDefined();
  server = await server.restart();
  expect((await read(`${folder}/killed.bin`)).status).toBe(404);
  expect(temporary()).toEqual([left]);
  await server.stop();
  // Two hours later.
  const later = 'const { now } = Date; Date.now = () => now() + 7_200_000;';
  const { dataDir, port } = server;
  server = await startServer({
    dataDir,
    port,
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(later)}` },
  });
  await until(() => temporary().length === 0);
  expect((await put(`${folder}/killed.bin`, 'whole')).status).toBe(200);
});

test('the server wrote of no incident', () => expectNoIncident(server));
