import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Peer, startS3 } from '@millrace/tools/peers';
import { startServer, type TestServer, tempDir } from '@millrace/tools/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { begin, countBytes, MIB, newRunFolder, type Refusal, sendBytes } from './support.ts';

let peer: Peer;
const servers: Record<'local' | 's3', TestServer> = {} as never;
const destination = tempDir('destination');
beforeAll(async () => {
  peer = await startS3();
  servers.local = await startServer({ args: ['--artifacts-destination', destination] });
  servers.s3 = await startServer({ args: ['--artifacts-destination', peer.uri], env: peer.env });
});
afterAll(async () => {
  await Promise.all(Object.values(servers).map((server) => server.stop()));
  await peer.stop();
});

async function put(server: TestServer, path: string, size: number, headers: Record<string, string | number> = {}) {
  const { outgoing, answer } = begin(server, 'PUT', path, headers);
  await sendBytes(outgoing, size);
  const { statusCode } = await answer.then((it) => it.resume());
  expect(statusCode).toBe(200);
}

const refused = async (answer: Promise<Response>, status: number): Promise<Refusal> => {
  const { status: got, text } = await answer.then(async (it) => ({ status: it.status, text: await it.text() }));
  expect({ got, text }).toMatchObject({ got: status });
  return JSON.parse(text) as Refusal;
};

describe.each(['local', 's3'] as const)('%s', (name) => {
  test('clients that go away in the middle of a download leave no open file or connection', async () => {
    const server = servers[name];
    const { folder } = await newRunFolder(server);
    await put(server, `${folder}big.bin`, 24 * MIB);
    const openFiles = () => readdirSync(`/proc/${server.pid}/fd`).length;
    const abandon = async () => {
      const { outgoing, answer } = begin(server, 'GET', `${folder}big.bin`);
      outgoing.end();
      await new Promise((resolve) => answer.then((it) => it.once('data', resolve)));
      outgoing.destroy();
    };
    // What stays open is there after a first time.
    await Promise.all(Array.from({ length: 8 }, abandon));
    await put(server, `${folder}small.bin`, 1);
    const settled = openFiles();
    for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 8 }, abandon));
    await expect.poll(openFiles, { timeout: 30_000 }).toBeLessThanOrEqual(settled);
    const { outgoing, answer } = begin(server, 'GET', `${folder}big.bin`);
    outgoing.end();
    expect(await countBytes(await answer)).toBe(24 * MIB);
  });

  test('an upload in chunks, and one that waits for 100 Continue', async () => {
    const server = servers[name];
    const { folder } = await newRunFolder(server);
    await put(server, `${folder}chunked.bin`, 20 * MIB, { 'transfer-encoding': 'chunked' });
    const { outgoing, answer } = begin(server, 'PUT', `${folder}continued`, {
      expect: '100-continue',
      'content-length': 3,
    });
    outgoing.flushHeaders();
    await new Promise((resolve) => outgoing.once('continue', resolve));
    outgoing.end('abc');
    expect((await answer).resume().statusCode).toBe(200);
    const head = await fetch(`${server.url}${folder}chunked.bin`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(20 * MIB));
    expect(await (await fetch(`${server.url}${folder}continued`)).text()).toBe('abc');
  });

  test('upload-artifact takes 10 MiB without a length, and no byte more', async () => {
    const server = servers[name];
    const { run, folder } = await newRunFolder(server);
    const upload = async (file: string, size: number) => {
      const path = `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run}&path=ui/${file}`;
      const { outgoing, answer } = begin(server, 'POST', path, { 'transfer-encoding': 'chunked' });
      await sendBytes(outgoing, size).catch(() => {});
      const got = await answer;
      let text = '';
      for await (const chunk of got) text += chunk;
      return { status: got.statusCode, text };
    };
    expect(await upload('limit.bin', 10 * MIB)).toMatchObject({ status: 200 });
    const beyond = await upload('beyond.bin', 10 * MIB + 1);
    expect(beyond.status, beyond.text).toBe(400);
    expect(JSON.parse(beyond.text)).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' });
    expect(await upload('empty', 0)).toMatchObject({ status: 400 });
    const listed = await fetch(`${server.url}/api/2.0/mlflow/artifacts/list?run_id=${run}&path=ui`);
    expect(((await listed.json()) as { files: object[] }).files).toEqual([
      { path: 'ui/limit.bin', is_dir: false, file_size: 10 * MIB },
    ]);
    expect((await fetch(`${server.url}${folder}ui/beyond.bin`)).status).toBe(404);
  });
});

describe('the local store', () => {
  test('says that a folder or a file is in the way, and keeps it', async () => {
    const server = servers.local;
    const { folder } = await newRunFolder(server);
    await put(server, `${folder}folder/x`, 1);
    await put(server, `${folder}file`, 1);
    const write = (path: string) =>
      fetch(`${server.url}${folder}${path}`, { method: 'PUT', body: Buffer.alloc(12 * MIB) });
    expect((await refused(write('folder'), 400)).message).toMatch(/folder/);
    expect((await refused(write('file/below'), 400)).message).toMatch(/file/);
    expect((await fetch(`${server.url}${folder}file`)).status).toBe(200);
    await expect.poll(() => readdirSync(join(destination, '.millrace-tmp'))).toEqual([]);
  });

  test('follows no symbolic link that somebody put there', async () => {
    const server = servers.local;
    const { folder } = await newRunFolder(server);
    await put(server, `${folder}mine`, 1);
    const secret = tempDir('secret');
    writeFileSync(join(secret, 'key'), 'private');
    const onDisk = join(destination, folder.replace('/api/2.0/mlflow-artifacts/artifacts', ''));
    mkdirSync(join(onDisk, 'sub'));
    symlinkSync(join(secret, 'key'), join(onDisk, 'link'));
    symlinkSync(secret, join(onDisk, 'sub/out'));
    for (const path of ['link', 'sub/out/key']) {
      const answer = await fetch(`${server.url}${folder}${path}`);
      expect([403, 404], path).toContain(answer.status);
      expect(await answer.text()).not.toContain('private');
    }
    expect((await fetch(`${server.url}${folder}sub/out/new`, { method: 'PUT', body: 'x' })).status).toBe(403);
    expect(readdirSync(secret)).toEqual(['key']);
    expect(readFileSync(join(secret, 'key'), 'utf8')).toBe('private');
  });
});
