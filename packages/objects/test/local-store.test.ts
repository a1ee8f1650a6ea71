import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../../tools/testkit/temp-dir.ts';
import { type ArtifactStore, openStore, parseArtifactPath, ROOT, TEMP_FOLDER } from '../src/index.ts';
import { describeStore, put, read, streamOf, walk } from './store-contract.ts';

describeStore('local', async () => ({ store: await openStore(tempDir('objects')), stop: async () => {} }));

const at = parseArtifactPath;

async function fresh(): Promise<{ folder: string; store: ArtifactStore; temp: string }> {
  const folder = tempDir('objects');
  return { folder, store: await openStore(`file://${folder}`), temp: join(folder, TEMP_FOLDER) };
}

describe('a local store', () => {
  it('below a file cannot be opened', async () => {
    const file = join(tempDir('objects'), 'file');
    writeFileSync(file, '');
    await expect(openStore(join(file, 'store'))).rejects.toThrow(/part of its path is a file/);
  });

  it('creates nothing before the first write, then its folders', async () => {
    const root = join(tempDir('objects'), 'not/yet/there');
    const store = await openStore(root);
    expect(await store.list(ROOT)).toEqual([]);
    await store.delete(at('x'));
    expect(await store.sweep?.()).toBe(0);
    expect(existsSync(root)).toBe(false);
    await put(store, at('a/b'), 'x');
    expect(readFileSync(join(root, 'a/b'), 'utf8')).toBe('x');
  });

  it('keeps its temp folder private, and artifacts as readable as the umask says', async () => {
    const { folder, store, temp } = await fresh();
    mkdirSync(temp, { mode: 0o755 });
    await put(store, at('a/b'), 'x');
    expect(statSync(temp).mode & 0o777).toBe(0o700);
    writeFileSync(join(folder, 'by-hand'), '');
    expect(statSync(join(folder, 'a/b')).mode).toBe(statSync(join(folder, 'by-hand')).mode);
  });

  it('shows its temp folder to nobody and lets nobody name it', async () => {
    const { store, temp } = await fresh();
    await put(store, at('a'), 'x');
    expect(existsSync(temp)).toBe(true);
    expect(await store.list(ROOT)).toEqual([{ name: 'a', isDir: false, size: 1 }]);
    expect(await walk(store, ROOT)).toEqual(['a:1']);
    expect(() => at(`${TEMP_FOLDER}/x`)).toThrow(/reserved/);
    await store.removeTree(ROOT);
    expect(existsSync(temp)).toBe(true);
  });

  it('goes through no symbolic link, to read, write, list or delete', async () => {
    const { folder, store } = await fresh();
    const outside = tempDir('outside');
    writeFileSync(join(outside, 'secret'), 'secret');
    await put(store, at('in/file'), 'x');
    symlinkSync(outside, join(folder, 'link'));
    symlinkSync(join(outside, 'secret'), join(folder, 'in/secret'));
    symlinkSync(join(folder, 'in'), join(folder, 'inside'));

    for (const path of ['link/secret', 'inside/file']) {
      await expect(store.open(at(path)), path).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await expect(put(store, at(path), 'y'), path).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await expect(store.delete(at(path)), path).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    await expect(put(store, at('link/deep/er'), 'y')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(store.list(at('link'))).rejects.toThrow(/symbolic link/);
    await expect(store.open(at('in/secret'))).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
    expect(await store.list(ROOT)).toEqual([{ name: 'in', isDir: true, size: 0 }]);
    expect(await walk(store, ROOT)).toEqual(['in/file:1']);

    await put(store, at('in/secret'), 'replaced the link itself');
    await store.delete(at('link'));
    await store.removeTree(ROOT);
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('may itself lie behind a link', async () => {
    const { folder } = await fresh();
    const link = join(tempDir('objects'), 'link');
    symlinkSync(folder, link);
    const store = await openStore(link);
    await put(store, at('a/b'), 'x');
    expect(readFileSync(join(folder, 'a/b'), 'utf8')).toBe('x');
  });

  it('says that a file is in the way of a folder, and a folder of a file', async () => {
    const { store, temp } = await fresh();
    await put(store, at('a/b'), 'x');
    await expect(put(store, at('a/b/c'), 'y')).rejects.toMatchObject({
      code: 'INVALID_PARAMETER_VALUE',
      message: /is a file/,
    });
    await expect(put(store, at('a'), 'y')).rejects.toMatchObject({
      code: 'INVALID_PARAMETER_VALUE',
      message: /is a folder/,
    });
    expect(await walk(store, ROOT)).toEqual(['a/b:1']);
    expect(readdirSync(temp)).toEqual([]);
  });

  it('writes into folders that others delete at the same time', async () => {
    const { folder, store } = await fresh();
    const path = at('a/b/c/file');
    let writes = 0;
    async function* slow() {
      yield Buffer.from('x');
      rmSync(join(folder, 'a'), { recursive: true, force: true });
      writes += 1;
      yield Buffer.from('y');
    }
    await store.write(path, slow());
    await store.write(path, slow());
    expect(writes).toBe(2);
    expect((await read(store, path)).toString()).toBe('xy');
  });

  it('recovers when its temp folder is removed under it', async () => {
    const { store, temp } = await fresh();
    await put(store, at('a'), 'x');
    rmSync(temp, { recursive: true });
    await put(store, at('a'), 'y');
    rmSync(temp, { recursive: true });
    await store.delete(at('a'));
    expect(await store.list(ROOT)).toEqual([]);
  });

  it('does not make a root anew that vanished: its disk may be unmounted', async () => {
    const { folder, store } = await fresh();
    await put(store, at('a'), 'x');
    renameSync(folder, `${folder}-away`);
    await expect(put(store, at('b'), 'x')).rejects.toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
      message: /mounted/,
    });
    await expect(store.check()).rejects.toMatchObject({ message: /cannot write: .*mounted/ });
    expect(existsSync(folder)).toBe(false);
    renameSync(`${folder}-away`, folder);
    await put(store, at('b'), 'x');
  });

  it.skipIf(process.getuid?.() === 0)(
    'names the folder that its user may not write (not tested as root, who may)',
    async () => {
      const { folder, store } = await fresh();
      chmodSync(folder, 0o500);
      await expect(store.check()).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
        message: expect.stringContaining(folder),
      });
      chmodSync(folder, 0o700);
    },
  );

  it('leaves a body open that it refuses, so that a server can still answer', async () => {
    const { store } = await fresh();
    const body = streamOf(Buffer.alloc(100_000), 10_000);
    await expect(store.write(at('x'), body, { contentLength: 5 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(body.destroyed).toBe(false);
  });

  it('gives whole bodies to readers while writers replace them', async () => {
    const { store } = await fresh();
    const contents = Array.from({ length: 4 }, (_, writer) => Buffer.alloc(150_000, writer));
    await put(store, at('x'), contents[0]!.toString());
    const reads = Array.from({ length: 40 }, async () => read(store, at('x')));
    await Promise.all(contents.map((content) => store.write(at('x'), streamOf(content, 30_000))));
    for (const content of await Promise.all(reads)) expect(new Set(content).size).toBe(1);
  });

  it('sweeps what crashed writers left, and nothing that is fresh', async () => {
    const { store, temp } = await fresh();
    await put(store, at('kept'), 'x');
    const { uploadId } = await store.createMultipart!(at('big'), 2);
    await store.writePart!(uploadId, 1, streamOf(Buffer.from('part'), 4));
    writeFileSync(join(temp, 'left-over'), 'half');
    mkdirSync(join(temp, 'trash-1/deep'), { recursive: true });
    expect(await store.sweep!()).toBe(0);
    expect(readdirSync(temp).length).toBe(3);
    expect(await store.sweep!(-60_000)).toBe(3);
    expect(readdirSync(temp)).toEqual([]);
    expect(await walk(store, ROOT)).toEqual(['kept:1']);
    await expect(store.writePart!(uploadId, 2, streamOf(Buffer.from('x'), 1))).rejects.toMatchObject({
      code: 'RESOURCE_DOES_NOT_EXIST',
    });
  });

  it('shows nothing of an upload that kill -9 ended, and has every one that was acknowledged', async () => {
    const { folder, store, temp } = await fresh();
    const child = spawn(process.execPath, [join(import.meta.dirname, 'endless-writer.ts'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      acknowledged += text;
    });
    while (acknowledged.split('\n').length < 40) await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    const sizes = new Map((await walk(store, ROOT)).map((line) => line.split(':') as [string, string]));
    for (const size of sizes.values()) expect(size).toBe('200000');
    for (const path of acknowledged.trim().split('\n')) expect(sizes.has(path), path).toBe(true);
    await store.sweep!(-60_000);
    expect(readdirSync(temp)).toEqual([]);
  });

  it('says that the disk is full, stores nothing, and goes on once there is room', async () => {
    const script = join(import.meta.dirname, 'full-disk.ts');
    const mount = 'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" "$3" "$1"';
    const args = [
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      mount,
      'sh',
      tempDir('full'),
      process.execPath,
      script,
    ];
    const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, errors, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((resolve) => child.on('error', () => resolve(null)).on('close', resolve)),
    ]);
    if (code === null || /unshare|mount:/.test(errors)) {
      console.warn(`Not tested: a full disk. No small disk can be mounted here (${errors.trim() || 'no unshare'}).`);
      return;
    }
    expect(errors).toBe('');
    expect(JSON.parse(output)).toEqual({
      refused: { code: 'RESOURCE_EXHAUSTED', status: 507, says: true },
      afterwards: ['old:3'],
      temp: [],
      freed: 1_000_000,
    });
  });
});

describe('multipart uploads of a local store', () => {
  const parts = async (store: ArtifactStore, uploadId: string, contents: readonly string[]) =>
    Promise.all(
      contents.map(async (content, index) => {
        const body = streamOf(Buffer.from(content), 3);
        const { etag } = await store.writePart!(uploadId, index + 1, body, { contentLength: content.length });
        return { partNumber: index + 1, etag };
      }),
    );

  it('complete once, and say so again to a client that missed the answer', async () => {
    const { store, temp } = await fresh();
    const { uploadId, credentials } = await store.createMultipart!(at('a/b'), 3);
    expect(credentials).toBeNull();
    const sent = await parts(store, uploadId, ['one', 'two', '3']);
    await store.completeMultipart!(at('a/b'), uploadId, sent.toReversed());
    await store.completeMultipart!(at('a/b'), uploadId, sent);
    expect((await read(store, at('a/b'))).toString()).toBe('onetwo3');
    expect(readdirSync(join(temp, `upload-${uploadId}`)).sort()).toEqual(['done', 'target']);
  });

  it('take a part again, and refuse the etag that it had before', async () => {
    const { store } = await fresh();
    const { uploadId } = await store.createMultipart!(at('x'), 1);
    const [first] = await parts(store, uploadId, ['first']);
    const [again] = await parts(store, uploadId, ['again!']);
    await expect(store.completeMultipart!(at('x'), uploadId, [first!])).rejects.toThrow(/another etag/);
    await store.completeMultipart!(at('x'), uploadId, [again!]);
    expect((await read(store, at('x'))).toString()).toBe('again!');
  });

  it('serve only the path that they were made for, and only while they last', async () => {
    const { store } = await fresh();
    const { uploadId } = await store.createMultipart!(at('mine'), 1);
    const sent = await parts(store, uploadId, ['x']);
    await expect(store.completeMultipart!(at('yours'), uploadId, sent)).rejects.toThrow(/is not one of 'yours'/);
    await expect(store.abortMultipart!(at('yours'), uploadId)).rejects.toThrow(/is not one of 'yours'/);
    await store.abortMultipart!(at('mine'), uploadId);
    await expect(store.completeMultipart!(at('mine'), uploadId, sent)).rejects.toMatchObject({
      code: 'RESOURCE_DOES_NOT_EXIST',
    });
    expect(await walk(store, ROOT)).toEqual([]);
  });

  it('refuse what is no upload or no part', async () => {
    const { store } = await fresh();
    const body = () => Readable.from([Buffer.from('x')]);
    const { uploadId } = await store.createMultipart!(at('x'), 2);
    for (const id of ['', '..', '../x', `${uploadId}/..`, uploadId.replace(/./, 'z'), crypto.randomUUID()]) {
      await expect(store.writePart!(id, 1, body()), id).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
    }
    for (const number of [0, -1, 1.5, 10_001, Number.NaN]) {
      await expect(store.writePart!(uploadId, number, body())).rejects.toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
      });
      await expect(store.createMultipart!(at('y'), number)).rejects.toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
    }
    await expect(store.writePart!(uploadId, 1, body(), { contentLength: 2 })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    const part = { partNumber: 1, etag: '"x"' };
    await expect(store.completeMultipart!(at('x'), uploadId, [part])).rejects.toThrow(/never received/);
    await expect(store.completeMultipart!(at('x'), uploadId, [part, part])).rejects.toThrow(/listed twice/);
    await expect(store.completeMultipart!(at('x'), uploadId, [])).rejects.toThrow(/number of parts/);
  });
});

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
