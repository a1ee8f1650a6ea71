import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forEachConcurrent } from '../src/concurrency.ts';
import {
  type ArtifactPath,
  type ArtifactStore,
  joinArtifactPath,
  parseArtifactPath,
  ROOT,
  TEMP_FOLDER,
} from '../src/index.ts';

export interface Subject {
  readonly store: ArtifactStore;
  stop(): Promise<void>;
}

/** For the store to be opened with, so that some hundred files are several pages. */
export const PAGE_SIZE = 100;

const at = parseArtifactPath;

/** What every store promises, run against a real one. `open` starts it; the store may be shared by all tests. */
export function describeStore(name: string, open: () => Promise<Subject>): void {
  describe(`${name}: the contract of a store`, () => {
    let subject: Subject;
    let store: ArtifactStore;
    let folder: ArtifactPath;
    const inFolder = (path: string): ArtifactPath => joinArtifactPath(folder, at(path));

    beforeAll(async () => {
      subject = await open();
      store = subject.store;
    }, 120_000);
    afterAll(() => subject?.stop());
    const fresh = () => {
      folder = at(`t-${randomUUID()}`);
    };

    it('stores what it is given and reads it back with its size, etag and time', async () => {
      fresh();
      for (const size of [0, 1, 10_000, 65_536, 65_537, 3_000_001]) {
        const content = randomBytes(size);
        const path = inFolder(`a/b/${size}.bin`);
        const written = await store.write(path, streamOf(content, 50_000), { contentLength: size });
        expect(written.size).toBe(size);
        const opened = await store.open(path);
        expect(opened.size).toBe(size);
        expect(opened.etag).toMatch(/^(W\/)?".+"$/);
        if (written.etag !== undefined) expect(opened.etag).toBe(written.etag);
        expect(Math.abs(opened.lastModified.getTime() - Date.now())).toBeLessThan(3_600_000);
        expect((await bytesOf(opened.stream)).equals(content)).toBe(true);
        const { stream: _, ...stat } = opened;
        expect(await store.stat(path)).toEqual(stat);
      }
    });

    it('stores a body of unannounced length', async () => {
      fresh();
      const content = randomBytes(1_500_000);
      expect((await store.write(inFolder('unknown'), generated(content, 70_000))).size).toBe(content.byteLength);
      expect((await read(store, inFolder('unknown'))).equals(content)).toBe(true);
      expect((await store.write(inFolder('empty'), generated(Buffer.alloc(0), 1))).size).toBe(0);
      expect((await read(store, inFolder('empty'))).byteLength).toBe(0);
    });

    it('stores a large body as it came, announced or not', async () => {
      fresh();
      const content = randomBytes(20_000_003);
      for (const [name, options] of [
        ['announced', { contentLength: content.byteLength }],
        ['unannounced', {}],
      ] as const) {
        const written = await store.write(inFolder(name), streamOf(content, 300_000), options);
        expect(written.size).toBe(content.byteLength);
        const opened = await store.open(inFolder(name));
        if (written.etag !== undefined) expect(opened.etag).toBe(written.etag);
        expect((await bytesOf(opened.stream)).equals(content)).toBe(true);
      }
    }, 60_000);

    it('replaces an object as a whole, and its etag changes', async () => {
      fresh();
      const path = inFolder('x');
      await put(store, path, 'first, and the longer of the two');
      const before = await store.stat(path);
      await put(store, path, 'second');
      expect((await read(store, path)).toString()).toBe('second');
      expect((await store.stat(path)).etag).not.toBe(before.etag);
    });

    it('reads ranges, both ends inclusive', async () => {
      fresh();
      const content = randomBytes(300_000);
      const path = inFolder('ranges');
      await store.write(path, streamOf(content, 65_536), { contentLength: content.byteLength });
      const ranges = [
        { start: 0, end: 0 },
        { start: 0 },
        { start: 1, end: 65_536 },
        { start: 100_000, end: 299_999 },
        { start: 299_999 },
        { start: 299_000, end: 9_999_999 },
      ];
      for (const range of ranges) {
        const opened = await store.open(path, { range });
        expect(opened.size).toBe(content.byteLength);
        const expected = content.subarray(range.start, range.end === undefined ? undefined : range.end + 1);
        expect((await bytesOf(opened.stream)).equals(expected), JSON.stringify(range)).toBe(true);
      }
      await expect(store.open(path, { range: { start: 300_000 } })).rejects.toMatchObject({ status: 416 });
      await expect(store.open(path, { range: { start: 5, end: 4 } })).rejects.toMatchObject({ status: 416 });
    });

    it('says which artifact is missing', async () => {
      fresh();
      const path = inFolder('no/such');
      const absent = { code: 'RESOURCE_DOES_NOT_EXIST', message: `No such artifact: '${path}'` };
      await expect(store.open(path)).rejects.toMatchObject(absent);
      await expect(store.open(path, { range: { start: 3 } })).rejects.toMatchObject(absent);
      await expect(store.stat(path)).rejects.toMatchObject(absent);
      await put(store, inFolder('folder/file'), 'x');
      await expect(store.open(inFolder('folder'))).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
      await expect(store.stat(inFolder('folder/file/below'))).rejects.toMatchObject({
        code: 'RESOURCE_DOES_NOT_EXIST',
      });
    });

    it('lists a folder by name, a file as itself, and nothing where nothing is', async () => {
      fresh();
      for (const path of ['b.txt', 'a/1', 'a/2/3', 'a.txt', 'Z', 'ab/c']) await put(store, inFolder(path), path);
      expect(await store.list(folder)).toEqual([
        { name: 'Z', isDir: false, size: 1 },
        { name: 'a', isDir: true, size: 0 },
        { name: 'a.txt', isDir: false, size: 5 },
        { name: 'ab', isDir: true, size: 0 },
        { name: 'b.txt', isDir: false, size: 5 },
      ]);
      expect(await store.list(inFolder('a'))).toEqual([
        { name: '1', isDir: false, size: 3 },
        { name: '2', isDir: true, size: 0 },
      ]);
      expect(await store.list(inFolder('a/1'))).toEqual([{ name: '1', isDir: false, size: 3 }]);
      expect(await store.list(inFolder('nothing'))).toEqual([]);
      expect(await store.list(inFolder('a/1/below'))).toEqual([]);
      expect((await store.list(ROOT)).map((entry) => entry.name)).toContain(folder);
    });

    it('lists and removes more files than one page of a listing has', async () => {
      fresh();
      const names = Array.from({ length: 2 * PAGE_SIZE + 30 }, (_, index) => `f${String(index).padStart(4, '0')}`);
      await forEachConcurrent(names, 12, (name) => put(store, inFolder(`many/${name}`), 'x'));
      expect((await store.list(inFolder('many'))).map((entry) => entry.name)).toEqual(names);
      expect((await walk(store, folder)).length).toBe(names.length);
      await store.delete(inFolder('many'));
      expect(await walk(store, folder)).toEqual([]);
    }, 120_000);

    it('walks every file below a prefix', async () => {
      fresh();
      const paths = ['top', 'a/1', 'a/b/c/2', 'ab/3'];
      for (const path of paths) await put(store, inFolder(path), path);
      expect(await walk(store, folder)).toEqual(paths.map((path) => `${folder}/${path}:${path.length}`).sort());
      expect(await walk(store, inFolder('a'))).toEqual([`${folder}/a/1:3`, `${folder}/a/b/c/2:7`]);
      expect(await walk(store, inFolder('top'))).toEqual([`${folder}/top:3`]);
      expect(await walk(store, inFolder('none'))).toEqual([]);
      expect(await walk(store, ROOT)).toEqual(expect.arrayContaining([`${folder}/top:3`]));
    });

    it('deletes a file or a folder, twice if asked, and never the root', async () => {
      fresh();
      for (const path of ['d/1', 'd/e/2', 'd-beside', 'f', 'g']) await put(store, inFolder(path), path);
      await store.delete(inFolder('f'));
      await store.delete(inFolder('f'));
      await store.delete(inFolder('d'));
      await store.delete(inFolder('d'));
      await store.delete(inFolder('g/below'));
      expect(await walk(store, folder)).toEqual([`${folder}/d-beside:8`, `${folder}/g:1`]);
      expect((await store.list(folder)).map((entry) => entry.name)).toEqual(['d-beside', 'g']);
      await expect(store.delete(ROOT)).rejects.toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
      await put(store, inFolder('d/1'), 'again');
      expect((await read(store, inFolder('d/1'))).toString()).toBe('again');
      await store.removeTree(folder);
      expect(await store.list(folder)).toEqual([]);
    });

    it('keeps names of any script and with any sign apart', async () => {
      fresh();
      const names = [
        'plain', 'with space', ' leading', 'trailing ', 'ü', 'u\u0308', '模型', '🚀', '100%', '%41', 'a+b', "it's", 'say "so"',
        'a&b=c?d', 'semi;colon', '~tilde', '-dash', '.hidden', '...', 'ab:c', '*', '[x]', '{y}', '<z>', '|', '^', '`', '$(x)', '!@', 'a,b',
      ]; // biome-ignore format: a list of names
      for (const name of names) await put(store, inFolder(`${name}/${name}`), name);
      expect((await store.list(folder)).map((entry) => entry.name)).toEqual([...names].sort());
      for (const name of names) {
        expect(await store.list(inFolder(name))).toEqual([{ name, isDir: false, size: Buffer.byteLength(name) }]);
        expect((await read(store, inFolder(`${name}/${name}`))).toString()).toBe(name);
      }
      const others = names.slice(1);
      await store.delete(inFolder('plain'));
      for (const name of others) await store.delete(inFolder(`${name}/${name}`));
      expect(await walk(store, folder)).toEqual([]);
    });

    it('refuses a body of another length than announced, and stores nothing', async () => {
      fresh();
      const path = inFolder('length');
      for (const [sent, announced] of [
        [10, 11],
        [11, 10],
        [0, 5],
        [200_000, 200_001],
        [200_001, 200_000],
        [5, 0],
      ] as const) {
        // biome-ignore format: pairs
        const write = store.write(path, streamOf(randomBytes(sent), 50_000), { contentLength: announced });
        await expect(write, `${sent} of ${announced}`).rejects.toMatchObject({ code: 'BAD_REQUEST' });
        expect(await store.list(folder)).toEqual([]);
      }
      await put(store, path, 'old');
      await expect(store.write(path, streamOf(randomBytes(9), 4), { contentLength: 10 })).rejects.toThrow();
      expect((await read(store, path)).toString()).toBe('old');
    });

    it('leaves nothing, or the old content, when an upload is aborted, fails or stalls', async () => {
      fresh();
      const known = { contentLength: 20_000_000 };
      for (const announced of [{}, known]) {
        for (const old of [undefined, 'old content']) {
          const path = inFolder(`abort-${randomUUID()}`);
          if (old !== undefined) await put(store, path, old);
          for (const sent of old === undefined ? [0, 100, 18_000_000] : [0, 100]) {
            const aborter = new AbortController();
            const stalls = stalling(sent, () => aborter.abort(new Error('gone')));
            const aborted = store.write(path, stalls, { ...announced, signal: aborter.signal });
            await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
            await expect(store.write(path, failing(sent), announced)).rejects.toThrow('the line broke');
            const names = (await store.list(folder)).map((entry) => entry.name);
            expect(names.includes(path.slice(folder.length + 1))).toBe(old !== undefined);
            if (old !== undefined) expect((await read(store, path)).toString()).toBe(old);
          }
        }
      }
    });

    it('refuses an upload that was aborted before it began', async () => {
      fresh();
      const signal = AbortSignal.abort();
      const write = store.write(inFolder('never'), streamOf(Buffer.from('x'), 1), { contentLength: 1, signal });
      await expect(write).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(await store.list(folder)).toEqual([]);
    });

    it('shows no part of an object while it arrives', async () => {
      fresh();
      const seen: string[] = [];
      const path = inFolder('sub/growing');
      async function* body() {
        for (let part = 0; part < 4; part += 1) {
          yield randomBytes(5_000_000);
          seen.push(
            ...(await walk(store, folder)),
            ...(await store.list(folder)).flatMap((e) => (e.isDir ? [] : e.name)),
          );
          seen.push(
            ...(await store.list(ROOT)).map((entry) => entry.name).filter((name) => name.includes(TEMP_FOLDER)),
          );
        }
      }
      await store.write(path, body());
      expect(seen).toEqual([]);
      expect(await walk(store, folder)).toEqual([`${path}:20000000`]);
    });

    it('leaves one whole winner of 12 concurrent writers', async () => {
      fresh();
      const path = inFolder('race/object');
      const contents = Array.from({ length: 12 }, (_, writer) => Buffer.alloc(400_000 + writer, writer));
      await Promise.all(
        contents.map((content) => store.write(path, streamOf(content, 30_000), { contentLength: content.byteLength })),
      );
      const winner = await read(store, path);
      expect(contents.some((content) => content.equals(winner))).toBe(true);
      expect(await store.list(inFolder('race'))).toEqual([{ name: 'object', isDir: false, size: winner.byteLength }]);
    });

    it('takes any tree of files and gives back the same tree', async () => {
      const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(isName);
      const tree = fc.dictionary(fc.array(segment, { minLength: 1, maxLength: 3 }).map((s) => s.join('/')), fc.uint8Array({ maxLength: 200 }), { maxKeys: 6 }); // biome-ignore format: one line
      await fc.assert(
        fc.asyncProperty(tree, async (files) => {
          fresh();
          const model = withoutClashes(files);
          for (const [path, content] of model) await store.write(inFolder(path), streamOf(Buffer.from(content), 64));
          expect(await walk(store, folder)).toEqual(
            [...model].map(([path, content]) => `${folder}/${path}:${content.byteLength}`).sort(),
          );
          for (const [path, content] of model) expect([...(await read(store, inFolder(path)))]).toEqual([...content]);
          await store.removeTree(folder);
          expect(await walk(store, folder)).toEqual([]);
        }),
        { numRuns: 15 },
      );
    }, 120_000);

    it('passes its own check and leaves no probe behind', async () => {
      await store.check();
      expect((await store.list(ROOT)).filter((entry) => entry.name.startsWith('.millrace'))).toEqual([]);
    });

    it('takes a multipart upload, in parts of any order, for the path it was made for', async (context) => {
      fresh();
      if (!store.createMultipart || !store.completeMultipart || !store.abortMultipart) {
        return context.skip('this backend has no multipart uploads');
      }
      const path = inFolder('model/weights.bin');
      const contents = [randomBytes(5 * 1024 * 1024), randomBytes(5 * 1024 * 1024), randomBytes(1234)];
      const { uploadId, credentials } = await store.createMultipart(path, contents.length);
      const send = async (index: number) => {
        const partNumber = index + 1;
        const credential = credentials?.find((each) => each.partNumber === partNumber);
        if (credential !== undefined) {
          const etag = await putTo(credential, contents[index]!);
          return { partNumber, etag };
        }
        return {
          partNumber,
          etag: (await store.writePart!(uploadId, partNumber, streamOf(contents[index]!, 65_536))).etag,
        };
      };
      const parts = [await send(2), ...(await Promise.all([send(0), send(1)]))];
      expect(await walk(store, folder)).toEqual([]);
      await store.completeMultipart(path, uploadId, parts);
      expect((await read(store, path)).equals(Buffer.concat(contents))).toBe(true);

      const dropped = inFolder('model/dropped');
      const upload = await store.createMultipart(dropped, 1);
      await store.abortMultipart(dropped, upload.uploadId);
      expect(await walk(store, folder)).toEqual([`${path}:${Buffer.concat(contents).byteLength}`]);
    }, 60_000);

    it('presigns a download as an attachment', async (context) => {
      fresh();
      if (!store.presignGet) return context.skip('this backend cannot presign');
      const path = inFolder('report ü.txt');
      await put(store, path, 'presigned');
      const response = await fetch(await store.presignGet(path, 60, 'report ü "1".txt'));
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('presigned');
      expect(response.headers.get('content-disposition')).toMatch(
        /^attachment; filename="report _ _1_.txt"; filename\*=UTF-8''report%20%C3%BC%20%221%22\.txt$/,
      );
    });

    it('presigns an upload', async (context) => {
      fresh();
      if (!store.presignPut) return context.skip('this backend cannot presign');
      const path = inFolder('put here.txt');
      await putTo(await store.presignPut(path, 60), Buffer.from('put'));
      expect((await read(store, path)).toString()).toBe('put');
    });
  });
}

export function streamOf(content: Uint8Array, chunkSize: number): Readable {
  return Readable.from(generated(content, chunkSize), { objectMode: false });
}

async function* generated(content: Uint8Array, chunkSize: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < content.byteLength; from += chunkSize) yield content.subarray(from, from + chunkSize);
}

/** Sends so many bytes, calls back, and then neither ends nor fails. */
async function* stalling(bytes: number, then: () => void): AsyncGenerator<Uint8Array> {
  yield* generated(Buffer.alloc(bytes), 500_000);
  setTimeout(then, 5);
  await new Promise(() => {});
}

async function* failing(bytes: number): AsyncGenerator<Uint8Array> {
  yield* generated(Buffer.alloc(bytes), 500_000);
  throw new Error('the line broke');
}

export const put = (store: ArtifactStore, path: ArtifactPath, content: string) =>
  store.write(path, streamOf(Buffer.from(content), 1024), { contentLength: Buffer.byteLength(content) });

export const read = async (store: ArtifactStore, path: ArtifactPath): Promise<Buffer> =>
  bytesOf((await store.open(path)).stream);

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function walk(store: ArtifactStore, prefix: ArtifactPath): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, size } of store.listRecursive(prefix)) found.push(`${path}:${size}`);
  return found.sort();
}

async function putTo(credential: { url: string; headers: Readonly<Record<string, string>> }, content: Uint8Array) {
  const response = await fetch(credential.url, {
    method: 'PUT',
    headers: credential.headers,
    body: Buffer.from(content),
  });
  expect(response.ok, `${response.status} ${await response.clone().text()}`).toBe(true);
  return response.headers.get('etag') ?? '';
}

function isName(text: string): boolean {
  try {
    return !text.includes('/') && at(text).length > 0;
  } catch {
    return false;
  }
}

/** Drops files that are also needed as folders: not every store has both. */
function withoutClashes(files: Readonly<Record<string, Uint8Array>>): [string, Uint8Array][] {
  const paths = Object.keys(files);
  return Object.entries(files).filter(([path]) => !paths.some((other) => other.startsWith(`${path}/`)));
}
