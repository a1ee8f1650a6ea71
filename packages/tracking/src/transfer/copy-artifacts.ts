import {
  type ArtifactPath,
  type ArtifactStore,
  joinArtifactPath,
  parseArtifactPath,
  type StoredFile,
} from '@millrace/objects';
import type { ArtifactPlace } from '../artifacts/artifact-places.ts';
import type { ArtifactTree, TreeFile } from './artifact-tree.ts';
import { Pool } from './pool.ts';

const FILES_AT_ONCE = 8;

export interface Copied {
  files: number;
  bytes: number;
  unchanged: number;
}

/**
 * Brings a place up to date with a tree: files that are there with the same size, and no older, stay. A file that fails
 * keeps no other from being copied; its error is thrown at the end.
 */
export async function copyArtifacts(tree: ArtifactTree, place: ArtifactPlace, copied: Copied): Promise<void> {
  const files = tree.list()[Symbol.asyncIterator]();
  const first = await files.next();
  if (first.done === true) return;
  const there = await filesIn(place);
  const errors: unknown[] = [];
  const copyOne = async (file: TreeFile): Promise<void> => {
    try {
      const path = joinArtifactPath(place.folder, parseArtifactPath(file.path));
      if (isCurrent(file, there.get(path))) {
        copied.unchanged++;
        return;
      }
      await copyFile(tree, file, place.store, path);
      copied.files++;
      copied.bytes += file.size;
    } catch (error) {
      errors.push(error);
    }
  };
  const pool = new Pool(FILES_AT_ONCE);
  try {
    for (let step: IteratorResult<TreeFile> = first; step.done !== true; step = await files.next()) {
      const file = step.value;
      await pool.add(() => copyOne(file));
    }
  } finally {
    await pool.drained();
  }
  if (errors.length > 0) throw errors[0];
}

async function filesIn({ store, folder }: ArtifactPlace): Promise<Map<string, StoredFile>> {
  const files = new Map<string, StoredFile>();
  for await (const file of store.listRecursive(folder)) files.set(file.path, file);
  return files;
}

const isCurrent = (file: TreeFile, copy: StoredFile | undefined): boolean =>
  copy !== undefined && copy.size === file.size && (file.modified === null || copy.lastModified >= file.modified);

async function copyFile(tree: ArtifactTree, file: TreeFile, store: ArtifactStore, path: ArtifactPath): Promise<void> {
  const body = await tree.open(file.path);
  // It may fail before the store listens; the store hears of it when it reads.
  body.on('error', () => {});
  try {
    await store.write(path, body, { contentLength: file.size });
  } finally {
    body.destroy();
  }
}
