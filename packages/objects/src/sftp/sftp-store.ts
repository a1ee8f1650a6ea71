import { randomUUID } from 'node:crypto';
import { DomainError, invalid } from '@millrace/core';
import type { Stats } from 'ssh2';
import { type ArtifactPath, baseName, parentOf, ROOT, refuseRoot, TEMP_FOLDER } from '../artifact-path.ts';
import {
  type ArtifactStat,
  type ArtifactStore,
  type Body,
  type ByteRange,
  byName,
  type Entry,
  noSuchArtifact,
  type OpenArtifact,
  resolveRange,
  STALE_AFTER_MS,
  type StoredFile,
  type WriteOptions,
  type Written,
} from '../artifact-store.ts';
import { cancelled, checkedChunks } from '../body.ts';
import { forEachConcurrent } from '../concurrency.ts';
import { checkByProbe } from '../probe.ts';
import { type Env, type SftpDestination, sftpConfig } from './sftp-config.ts';
import { sftpError } from './sftp-errors.ts';
import { downloadFile, uploadFile } from './sftp-files.ts';
import { isFailure, isNoSuchFile, SftpSession } from './sftp-session.ts';

const REQUESTS_AT_ONCE = 16;
const RENAME_ATTEMPTS = 3;
/** Less than this free is a full disk. */
const FULL_BYTES = 1024 * 1024;

export function openSftpStore(destination: SftpDestination, env: Env): ArtifactStore {
  return new SftpStore(destination, env);
}

class SftpStore implements ArtifactStore {
  readonly uri: string;
  readonly #root: string;
  readonly #temp: string;
  readonly #connect: () => Promise<SftpSession>;
  #session: Promise<SftpSession> | undefined;

  constructor(destination: SftpDestination, env: Env) {
    const { host, port, user, folder } = destination;
    this.uri = `sftp://${user === undefined ? '' : `${user}@`}${host}${port === 22 ? '' : `:${port}`}${folder}`;
    this.#root = folder === '/' ? '' : folder;
    this.#temp = `${this.#root}/${TEMP_FOLDER}`;
    this.#connect = () => SftpSession.connect(sftpConfig(destination, env));
  }

  write(path: ArtifactPath, body: Body, options: WriteOptions = {}): Promise<Written> {
    return this.#guarded(path, async (session) => {
      refuseRoot(path);
      await this.#makeFolder(session, parentOf(path));
      await this.#makeTemp(session);
      const temp = `${this.#temp}/${randomUUID()}`;
      try {
        const stats = await uploadFile(session, temp, checkedChunks(path, body, options));
        if (options.signal?.aborted) throw cancelled(path, options.signal.reason);
        await this.#replace(session, temp, path);
        return { size: stats.size, etag: etagOf(stats) };
      } catch (error) {
        await session.unlink(temp).catch(() => {});
        if (isFailure(error)) await this.#refuseWhenFull(session, path, error);
        throw error;
      }
    });
  }

  open(path: ArtifactPath, { range }: { range?: ByteRange | undefined } = {}): Promise<OpenArtifact> {
    return this.#guarded(path, async (session) => {
      await this.#fileStats(session, path);
      const handle = await session.open(this.#absolute(path), 'r');
      try {
        const stats = await session.fstat(handle);
        const { start, end } = resolveRange(range, stats.size) ?? { start: 0, end: stats.size - 1 };
        return { ...statOf(stats), stream: downloadFile(session, handle, start, end) };
      } catch (error) {
        await session.close(handle).catch(() => {});
        throw error;
      }
    });
  }

  stat(path: ArtifactPath): Promise<ArtifactStat> {
    return this.#guarded(path, async (session) => statOf(await this.#fileStats(session, path)));
  }

  list(folder: ArtifactPath): Promise<Entry[]> {
    return this.#guarded(folder, async (session) => {
      const entries = (await this.#read(session, folder)).map(
        ({ name, stats }): Entry =>
          stats.isDirectory() ? { name, isDir: true, size: 0 } : { name, isDir: false, size: stats.size },
      );
      return entries.sort(byName);
    });
  }

  async *listRecursive(prefix: ArtifactPath): AsyncGenerator<StoredFile> {
    const folders = [prefix];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const current = folder;
      for (const { path, stats } of await this.#guarded(current, (session) => this.#read(session, current))) {
        if (stats.isDirectory()) folders.push(path);
        else yield { path, size: stats.size, lastModified: new Date(stats.mtime * 1000) };
      }
    }
  }

  delete(path: ArtifactPath): Promise<void> {
    return this.#guarded(path, async (session) => {
      refuseRoot(path);
      await this.#discard(session, path);
    });
  }

  removeTree(prefix: ArtifactPath): Promise<void> {
    return this.#guarded(prefix, async (session) => {
      if (prefix !== ROOT) return this.#discard(session, prefix);
      for (const { path } of await this.#read(session, ROOT)) await this.#discard(session, path);
    });
  }

  sweep(olderThanMs: number = STALE_AFTER_MS): Promise<number> {
    return this.#guarded(ROOT, async (session) => {
      const before = (Date.now() - olderThanMs) / 1000;
      const entries = await session.readdir(this.#temp).catch((error) => noneIfAbsent(error));
      const stale = entries.filter(({ attrs }) => attrs.mtime <= before);
      for (const { filename, attrs } of stale)
        await removeAll(session, `${this.#temp}/${filename}`, attrs.isDirectory());
      return stale.length;
    });
  }

  check(): Promise<void> {
    return checkByProbe(this);
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    session?.end();
  }

  async #guarded<T>(path: ArtifactPath, work: (session: SftpSession) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#connected());
    } catch (error) {
      throw sftpError(error, this.uri, path);
    }
  }

  /** The connection that all requests share, made anew once it broke. */
  async #connected(): Promise<SftpSession> {
    for (;;) {
      this.#session ??= this.#connect();
      const connecting = this.#session;
      const session = await connecting.catch((error) => {
        this.#forget(connecting);
        throw error;
      });
      if (session.isOpen) return session;
      this.#forget(connecting);
    }
  }

  /** Unless another request has connected anew already. */
  #forget(session: Promise<SftpSession>): void {
    if (this.#session === session) this.#session = undefined;
  }

  #absolute(path: ArtifactPath): string {
    return path === ROOT ? this.#root || '/' : `${this.#root}/${path}`;
  }

  async #fileStats(session: SftpSession, path: ArtifactPath): Promise<Stats> {
    refuseRoot(path);
    try {
      const stats = await session.lstat(this.#absolute(path));
      if (stats.isFile()) return stats;
    } catch (error) {
      if (!isNoSuchFile(error)) throw error;
    }
    throw noSuchArtifact(path);
  }

  /** What is in the folder, or the one file that the path names; links and what else is no file are left out. */
  async #read(
    session: SftpSession,
    folder: ArtifactPath,
  ): Promise<{ name: string; path: ArtifactPath; stats: Stats }[]> {
    const stats = await session.lstat(this.#absolute(folder)).catch((error) => undefinedIfAbsent(error));
    if (stats?.isFile()) return [{ name: baseName(folder), path: folder, stats }];
    if (!stats?.isDirectory()) return [];
    const entries = await session.readdir(this.#absolute(folder)).catch((error) => noneIfAbsent(error));
    return entries
      .filter(({ filename, attrs }) => filename !== TEMP_FOLDER && (attrs.isFile() || attrs.isDirectory()))
      .map(({ filename, attrs }) => {
        const path = (folder === ROOT ? filename : `${folder}/${filename}`) as ArtifactPath;
        return { name: filename, path, stats: attrs };
      });
  }

  async #makeFolder(session: SftpSession, folder: ArtifactPath): Promise<void> {
    await makeFolders(session, this.#absolute(folder));
  }

  async #makeTemp(session: SftpSession): Promise<void> {
    const stats = await session.lstat(this.#temp).catch((error) => undefinedIfAbsent(error));
    if (stats === undefined)
      await session.mkdir(this.#temp, 0o700).catch((error) => unlessFolder(session, this.#temp, error));
  }

  async #replace(session: SftpSession, temp: string, path: ArtifactPath): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await session.replace(temp, this.#absolute(path));
      } catch (error) {
        // Somebody deleted the folder while the body arrived.
        if (!isNoSuchFile(error) || attempt === RENAME_ATTEMPTS) throw error;
        await this.#makeFolder(session, parentOf(path));
      }
    }
  }

  /** Takes the path out of sight in one step, then frees the space, which a lost connection leaves to the sweep. */
  async #discard(session: SftpSession, path: ArtifactPath): Promise<void> {
    const stats = await session.lstat(this.#absolute(path)).catch((error) => undefinedIfAbsent(error));
    if (stats === undefined) return;
    await this.#makeTemp(session);
    const trash = `${this.#temp}/trash-${randomUUID()}`;
    try {
      await session.replace(this.#absolute(path), trash);
    } catch (error) {
      if (isNoSuchFile(error)) return;
      throw error;
    }
    await removeAll(session, trash, stats.isDirectory()).catch(() => {});
  }

  /** SFTP has no word for a full disk: it is asked for after a failure. */
  async #refuseWhenFull(session: SftpSession, path: ArtifactPath, cause: unknown): Promise<void> {
    const free = await session.freeBytes(this.#temp).catch(() => undefined);
    if (free === undefined || free >= FULL_BYTES) return;
    throw new DomainError('RESOURCE_EXHAUSTED', `The disk of ${this.uri} is full; '${path}' was not stored`, {
      status: 507,
      cause,
    });
  }
}

async function makeFolders(session: SftpSession, folder: string): Promise<void> {
  const stats = await session.stat(folder).catch((error) => undefinedIfAbsent(error));
  if (stats?.isDirectory()) return;
  if (stats !== undefined) throw invalid(`${folder} is a file on the SFTP server; nothing can be stored below it`);
  const parent = folder.slice(0, folder.lastIndexOf('/'));
  if (parent !== '') await makeFolders(session, parent);
  await session.mkdir(folder).catch((error) => unlessFolder(session, folder, error));
}

/** Somebody else may have made it in the same moment. */
async function unlessFolder(session: SftpSession, folder: string, error: unknown): Promise<void> {
  const stats = await session.stat(folder).catch(() => undefined);
  if (!stats?.isDirectory()) throw error;
}

async function removeAll(session: SftpSession, path: string, isFolder: boolean): Promise<void> {
  if (!isFolder) return session.unlink(path).catch((error) => undefinedIfAbsent(error));
  const entries = await session.readdir(path).catch((error) => noneIfAbsent(error));
  await forEachConcurrent(entries, REQUESTS_AT_ONCE, ({ filename, attrs }) =>
    removeAll(session, `${path}/${filename}`, attrs.isDirectory()),
  );
  await session.rmdir(path).catch((error) => undefinedIfAbsent(error));
}

function undefinedIfAbsent(error: unknown): undefined {
  if (!isNoSuchFile(error)) throw error;
}

function noneIfAbsent(error: unknown): [] {
  if (!isNoSuchFile(error)) throw error;
  return [];
}

/** Weak: SFTP tells times in seconds and no inode. */
const etagOf = ({ mtime, size }: Stats): string => `W/"${mtime.toString(36)}-${size.toString(36)}"`;

const statOf = (stats: Stats): ArtifactStat => ({
  size: stats.size,
  etag: etagOf(stats),
  lastModified: new Date(stats.mtime * 1000),
});
