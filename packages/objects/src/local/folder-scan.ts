import { type Dirent, lstatSync } from 'node:fs';
import { lstat, readdir, statfs } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ArtifactPath, baseName, ROOT, TEMP_FOLDER } from '../artifact-path.ts';
import type { DurableFolders } from './durable-folders.ts';
import { errorCode, isAbsent } from './local-errors.ts';

/** Entries looked at in one go: some 0.2 ms on a local disk. */
const SLICE = 128;

/** statfs types of file systems that answer from this machine: ext, xfs, btrfs, tmpfs, overlay, zfs. */
const LOCAL_FILE_SYSTEMS = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1]);

export interface Found {
  readonly name: string;
  readonly path: ArtifactPath;
  /** Absent for a folder. */
  readonly file?: { readonly size: number; readonly mtime: Date };
}

/** Reads folders. Links, sockets, the temp folder and what vanishes meanwhile are left out. */
export class FolderScan {
  readonly #folders: DurableFolders;
  #isLocal: Promise<boolean> | undefined;

  constructor(folders: DurableFolders) {
    this.#folders = folders;
  }

  /** What is in the folder, unsorted; the file itself where the path names one; nothing where nothing is. */
  async read(folder: ArtifactPath): Promise<Found[]> {
    const absolute = this.#folders.absolute(folder);
    try {
      if (!(await this.#folders.exists(folder))) return [];
      return await this.#entries(folder, absolute, await readdir(absolute, { withFileTypes: true }));
    } catch (error) {
      if (errorCode(error) === 'ENOTDIR') return await singleFile(folder, absolute);
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  async #entries(folder: ArtifactPath, absolute: string, entries: readonly Dirent[]): Promise<Found[]> {
    const found: Found[] = [];
    const files: string[] = [];
    for (const entry of entries) {
      if (entry.isFile()) files.push(entry.name);
      else if (entry.isDirectory() && entry.name !== TEMP_FOLDER) {
        found.push({ name: entry.name, path: below(folder, entry.name) });
      }
    }
    const stats = await this.#stats(absolute, files);
    for (const [index, name] of files.entries()) {
      const file = stats[index];
      if (file?.isFile()) found.push({ name, path: below(folder, name), file });
    }
    return found;
  }

  /** On a local disk synchronous calls cost a sixth of asynchronous ones; on a network mount they could hang the process. */
  async #stats(folder: string, names: readonly string[]) {
    this.#isLocal ??= statfs(this.#folders.absolute(ROOT)).then(
      ({ type }) => LOCAL_FILE_SYSTEMS.has(type),
      () => false,
    );
    const statSlice = (await this.#isLocal)
      ? (slice: readonly string[]) => slice.map((name) => lstatSync(`${folder}/${name}`, { throwIfNoEntry: false }))
      : (slice: readonly string[]) => Promise.all(slice.map((name) => lstat(`${folder}/${name}`).catch(ifAbsent)));
    const stats = [];
    for (let from = 0; from < names.length; from += SLICE) {
      if (from > 0) await nextTurn();
      stats.push(...(await statSlice(names.slice(from, from + SLICE))));
    }
    return stats;
  }
}

async function singleFile(path: ArtifactPath, absolute: string): Promise<Found[]> {
  const file = await lstat(absolute).catch(ifAbsent);
  return file?.isFile() ? [{ name: baseName(path), path, file }] : [];
}

const below = (folder: ArtifactPath, name: string): ArtifactPath =>
  (folder === ROOT ? name : `${folder}/${name}`) as ArtifactPath;

function ifAbsent(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
}
