import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DomainError, invalid } from '@millrace/core';
import { type ArtifactPath, parentOf, ROOT, refuseRoot, TEMP_FOLDER } from '../artifact-path.ts';
import {
  type ArtifactStat,
  type ArtifactStore,
  type Body,
  type ByteRange,
  byName,
  type Entry,
  type MultipartUpload,
  noSuchArtifact,
  type OpenArtifact,
  resolveRange,
  STALE_AFTER_MS,
  type StoredFile,
  type UploadedPart,
  type WriteOptions,
  type Written,
} from '../artifact-store.ts';
import { cancelled, checkedChunks } from '../body.ts';
import { checkPartCount, orderedParts } from '../multipart.ts';
import { checkByProbe } from '../probe.ts';
import { DurableFolders, makeDurableFolder } from './durable-folders.ts';
import { createFile, etagOf, type FileStat, io, openFile, type ReadableFile, streamFile } from './file-io.ts';
import { FolderScan } from './folder-scan.ts';
import { errorCode, isAbsent, localError } from './local-errors.ts';
import { LocalUploads } from './local-uploads.ts';

const RENAME_ATTEMPTS = 3;

/** A store in a folder, which may be a network mount. Nothing is created before the first write. */
export async function openLocalStore(folder: string): Promise<ArtifactStore> {
  return new LocalStore(await realRoot(folder));
}

class LocalStore implements ArtifactStore {
  readonly uri: string;
  readonly #root: string;
  readonly #temp: string;
  readonly #folders: DurableFolders;
  readonly #scan: FolderScan;
  readonly #uploads: LocalUploads;
  #ready: Promise<void> | undefined;

  constructor(root: string) {
    this.uri = root;
    this.#root = root;
    this.#temp = `${root}/${TEMP_FOLDER}`;
    this.#folders = new DurableFolders(root);
    this.#scan = new FolderScan(this.#folders);
    this.#uploads = new LocalUploads(this.#temp);
  }

  write(path: ArtifactPath, body: Body, options: WriteOptions = {}): Promise<Written> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      await this.#prepare();
      await this.#folders.ensure(parentOf(path));
      const temp = `${this.#temp}/${randomUUID()}`;
      const stat = await this.#createTemp(temp, checkedChunks(path, body, options));
      await this.#publish(temp, path, options.signal);
      return { size: Number(stat.size), etag: etagOf(stat) };
    });
  }

  open(path: ArtifactPath, { range }: { range?: ByteRange | undefined } = {}): Promise<OpenArtifact> {
    return this.#guarded(path, async () => {
      const { fd, stat } = await this.#openFile(path);
      try {
        const size = Number(stat.size);
        const { start, end } = resolveRange(range, size) ?? { start: 0, end: size - 1 };
        return { ...statOf(stat), stream: await streamFile(fd, start, end) };
      } catch (error) {
        // Streaming closes it in every case, so only a refused range leaves it open.
        if (error instanceof DomainError) await io.close(fd);
        throw error;
      }
    });
  }

  stat(path: ArtifactPath): Promise<ArtifactStat> {
    return this.#guarded(path, async () => {
      const { fd, stat } = await this.#openFile(path);
      await io.close(fd);
      return statOf(stat);
    });
  }

  list(folder: ArtifactPath): Promise<Entry[]> {
    return this.#guarded(folder, async () => {
      const entries: Entry[] = [];
      for (const { name, file } of await this.#scan.read(folder)) {
        entries.push({ name, isDir: file === undefined, size: file?.size ?? 0 });
      }
      return entries.sort(byName);
    });
  }

  async *listRecursive(prefix: ArtifactPath): AsyncGenerator<StoredFile> {
    const folders = [prefix];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const current = folder;
      for (const { path, file } of await this.#guarded(current, () => this.#scan.read(current))) {
        if (file === undefined) folders.push(path);
        else yield { path, size: file.size, lastModified: file.mtime };
      }
    }
  }

  delete(path: ArtifactPath): Promise<void> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      await this.#discard(path);
    });
  }

  removeTree(prefix: ArtifactPath): Promise<void> {
    return this.#guarded(prefix, async () => {
      if (prefix !== ROOT) return this.#discard(prefix);
      for (const { path } of await this.#scan.read(ROOT)) await this.#discard(path);
    });
  }

  createMultipart(path: ArtifactPath, parts: number): Promise<MultipartUpload> {
    return this.#guarded(path, async () => {
      refuseRoot(path);
      checkPartCount(parts);
      await this.#prepare();
      return { uploadId: await this.#uploads.create(path), credentials: null };
    });
  }

  writePart(uploadId: string, partNumber: number, body: Body, options: WriteOptions = {}): Promise<{ etag: string }> {
    return this.#guarded(ROOT, async () => {
      const path = await this.#uploads.target(uploadId);
      const chunks = checkedChunks(path, body, options);
      return this.#guarded(path, async () => ({ etag: await this.#uploads.writePart(uploadId, partNumber, chunks) }));
    });
  }

  completeMultipart(path: ArtifactPath, uploadId: string, parts: readonly UploadedPart[]): Promise<void> {
    return this.#guarded(path, async () => {
      await this.#checkTarget(path, uploadId);
      if (await this.#uploads.isDone(uploadId)) return;
      const { chunks, size } = await this.#uploads.content(uploadId, orderedParts(parts));
      await this.write(path, chunks, { contentLength: size });
      await this.#uploads.finish(uploadId);
    });
  }

  abortMultipart(path: ArtifactPath, uploadId: string): Promise<void> {
    return this.#guarded(path, async () => {
      await this.#checkTarget(path, uploadId);
      await this.#uploads.remove(uploadId);
    });
  }

  /** Counts temp files, uploads and discarded folders alike. */
  sweep(olderThanMs: number = STALE_AFTER_MS): Promise<number> {
    return this.#guarded(ROOT, async () => {
      const before = Date.now() - olderThanMs;
      let swept = 0;
      for (const name of await namesIn(this.#temp)) {
        const path = `${this.#temp}/${name}`;
        if ((await lastTouched(path)) > before) continue;
        await rm(path, { recursive: true, force: true });
        swept += 1;
      }
      return swept;
    });
  }

  check(): Promise<void> {
    return checkByProbe(this);
  }

  async close(): Promise<void> {}

  async #guarded<T>(path: ArtifactPath, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw localError(error, this.#root, path);
    }
  }

  /** Makes the root and the private temp folder, once: a root that vanishes later is an unmounted disk, not to be made anew. */
  #prepare(): Promise<void> {
    this.#ready ??= makeDurableFolder(this.#root)
      .then(() => makePrivateFolder(this.#temp))
      .catch((error) => {
        this.#ready = undefined;
        throw error;
      });
    return this.#ready;
  }

  async #createTemp(temp: string, chunks: AsyncIterable<Uint8Array>): Promise<FileStat> {
    try {
      return await createFile(temp, chunks);
    } catch (error) {
      // Failing to create it took nothing from the body yet.
      if (errorCode(error) !== 'ENOENT' || (await isThere(this.#temp))) throw error;
      await makePrivateFolder(this.#temp);
      return await createFile(temp, chunks);
    }
  }

  async #publish(temp: string, path: ArtifactPath, signal: AbortSignal | undefined): Promise<void> {
    try {
      if (signal?.aborted) throw cancelled(path, signal.reason);
      await this.#renameInto(temp, path);
    } catch (error) {
      await io.unlink(temp).catch(() => {});
      throw error;
    }
    await this.#folders.sync(parentOf(path));
  }

  async #renameInto(temp: string, path: ArtifactPath): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await io.rename(temp, this.#folders.absolute(path));
      } catch (error) {
        // Somebody deleted the folder while the body arrived.
        if (errorCode(error) !== 'ENOENT' || attempt === RENAME_ATTEMPTS) throw error;
        await this.#folders.ensure(parentOf(path));
      }
    }
  }

  async #openFile(path: ArtifactPath): Promise<ReadableFile> {
    try {
      if (path !== ROOT && (await this.#folders.exists(parentOf(path)))) {
        const file = await openFile(this.#folders.absolute(path));
        if (file !== undefined) return file;
      }
    } catch (error) {
      if (!isAbsent(error) && !UNREADABLE.has(errorCode(error) ?? '')) throw error;
    }
    throw noSuchArtifact(path);
  }

  /** Takes the path out of sight in one step, durably; then frees the space, which a crash leaves to the sweep. */
  async #discard(path: ArtifactPath): Promise<void> {
    const absolute = this.#folders.absolute(path);
    const parent = parentOf(path);
    if (!(await this.#folders.exists(parent).catch(falseIfAbsent)) || !(await isThere(absolute))) return;
    const trash = `${this.#temp}/trash-${randomUUID()}`;
    await this.#prepare();
    await makePrivateFolder(this.#temp);
    try {
      await io.rename(absolute, trash);
    } catch (error) {
      if (isAbsent(error)) return;
      // A mount inside the root cannot be moved as a whole, only emptied.
      if (errorCode(error) !== 'EXDEV' && errorCode(error) !== 'EBUSY') throw error;
      await rm(absolute, { recursive: true, force: true });
    }
    this.#folders.forget(path);
    await this.#folders.sync(parent);
    await rm(trash, { recursive: true, force: true }).catch(() => {});
  }

  async #checkTarget(path: ArtifactPath, uploadId: string): Promise<void> {
    if ((await this.#uploads.target(uploadId)) !== path)
      throw invalid(`The upload '${uploadId}' is not one of '${path}'`);
  }
}

/** Links (ELOOP) and sockets (ENXIO) are no artifacts. */
const UNREADABLE = new Set(['ELOOP', 'ENXIO']);

const statOf = (stat: FileStat): ArtifactStat => ({
  size: Number(stat.size),
  etag: etagOf(stat),
  lastModified: new Date(Number(stat.mtimeMs)),
});

/** The folder's real path, also of one that is yet to be made, or whose mount is down: using it says so. */
async function realRoot(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOTDIR') throw invalid(`The artifact folder ${folder} cannot be made: part of its path is a file`);
    if (code !== 'ENOENT' || dirname(folder) === folder) return folder;
    return join(await realRoot(dirname(folder)), basename(folder));
  }
}

async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
  const found = await lstat(path);
  if (!found.isDirectory()) throw new DomainError('PERMISSION_DENIED', `${path} must be a folder of the server's user`);
  if ((found.mode & 0o077) !== 0) await chmod(path, 0o700);
}

const isThere = (path: string): Promise<boolean> => lstat(path).then(() => true, falseIfAbsent);

function falseIfAbsent(error: unknown): false {
  if (isAbsent(error)) return false;
  throw error;
}

const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error) => {
    if (isAbsent(error)) return [];
    throw error;
  });

/** When the file, or the folder or anything directly in it, last changed; long ago for what is gone. */
async function lastTouched(path: string): Promise<number> {
  const ctime = (each: string) =>
    lstat(each).then(
      (stat) => stat.ctimeMs,
      () => 0,
    );
  const inside = await readdir(path).catch(() => []);
  const times = await Promise.all([path, ...inside.map((name) => `${path}/${name}`)].map(ctime));
  return Math.max(...times);
}
