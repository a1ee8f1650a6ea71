import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { invalid, parseUri } from '@millrace/core';
import {
  type ArtifactPath,
  type ArtifactStore,
  openStore,
  parseArtifactPath,
  parseDestination,
  parseFolderPath,
} from '@millrace/objects';

export interface TreeFile {
  /** Relative to the tree, as the source names it. */
  readonly path: string;
  readonly size: number;
  /** Null where the source does not say. */
  readonly modified: Date | null;
}

/** The files of one run or logged model at their source. */
export interface ArtifactTree {
  list(): AsyncIterable<TreeFile>;
  open(path: string): Promise<Readable>;
}

export const emptyTree: ArtifactTree = {
  async *list() {},
  open: (path) => Promise.reject(invalid(`No such artifact: '${path}'`)),
};

/** A folder of a store as a tree. */
export function storeTree(store: ArtifactStore, folder: ArtifactPath): ArtifactTree {
  const prefix = folder === '' ? '' : `${folder}/`;
  return {
    async *list() {
      for await (const { path, size, lastModified } of store.listRecursive(folder)) {
        if (path.startsWith(prefix)) yield { path: path.slice(prefix.length), size, modified: lastModified };
      }
    },
    open: async (path) => (await store.open(parseArtifactPath(prefix + path))).stream,
  };
}

/** A folder of this machine, whatever its files are called; links to files are read as files. */
export function folderTree(root: string): ArtifactTree {
  async function* walk(folder: string): AsyncGenerator<TreeFile> {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
      throw error;
    });
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        yield* walk(path);
        continue;
      }
      const found = await stat(join(root, path));
      if (found.isDirectory()) {
        throw invalid(`'${join(root, path)}' is a link to a folder: replace it by the folder to import it.`);
      }
      yield { path, size: found.size, modified: found.mtime };
    }
  }
  return { list: () => walk(''), open: async (path) => createReadStream(join(root, path), { highWaterMark: 1 << 20 }) };
}

export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Stores by their root, opened once for all the folders that are read from them. */
export class TreeStores {
  readonly #open = new Map<string, Promise<ArtifactStore>>();

  /** `uri` names a folder of any store that has an adapter. */
  async tree(uri: string): Promise<ArtifactTree> {
    const destination = parseDestination(uri);
    if (destination.kind === 'local') return folderTree(destination.folder);
    const { scheme, authority, path } = parseUri(uri);
    return storeTree(
      await this.#store(`${scheme}://${authority ?? ''}`),
      parseFolderPath(path.replace(/^\/+|\/+$/g, '')),
    );
  }

  /** `path` below `root`, which is a folder or a store's URI. */
  below(root: string, path: string): Promise<ArtifactTree> {
    const safe = parseFolderPath(path);
    return this.tree(safe === '' ? root : `${root.replace(/\/+$/, '')}/${safe}`);
  }

  async close(): Promise<void> {
    const stores = await Promise.allSettled(this.#open.values());
    await Promise.all(stores.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)));
  }

  #store(root: string): Promise<ArtifactStore> {
    let store = this.#open.get(root);
    if (store === undefined) {
      store = openStore(root);
      this.#open.set(root, store);
    }
    return store;
  }
}

const REMOTE = new Set(['s3', 'gs', 'wasb', 'wasbs', 'abfs', 'abfss', 'sftp']);

/** A location that clients reach themselves, wherever the tracking server is. */
export const isRemote = (uri: string): boolean => REMOTE.has(parseUri(uri).scheme);
