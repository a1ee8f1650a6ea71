import { type ArtifactStore, joinArtifactPath, parseArtifactPath, type StoredFile } from '@millrace/objects';
import type { ArtifactPlace } from '../artifacts/artifact-places.ts';
import type { ArtifactTree, TreeFile } from './artifact-tree.ts';

const FILES_AT_ONCE = 8;

export interface Copied {
  files: number;
  bytes: number;
  unchanged: number;
}

/** Brings a place up to date with a tree: files that are there with the same size, and no older, stay. */
export async function copyArtifacts(tree: ArtifactTree, place: ArtifactPlace, copied: Copied): Promise<void> {
  const waiting = tree.list()[Symbol.asyncIterator]();
  const first = await waiting.next();
  if (first.done === true) return;
  const there = await filesIn(place);
  const copyOne = async (file: TreeFile): Promise<void> => {
    const path = joinArtifactPath(place.folder, parseArtifactPath(file.path));
    if (isCurrent(file, there.get(path))) {
      copied.unchanged++;
      return;
    }
    await copyFile(tree, file, place.store, path);
    copied.files++;
    copied.bytes += file.size;
  };
  let next = Promise.resolve<IteratorResult<TreeFile>>(first);
  const take = () => {
    const mine = next;
    next = mine.then((step) => (step.done === true ? step : waiting.next()));
    return mine;
  };
  const worker = async () => {
    for (let step = await take(); step.done !== true; step = await take()) await copyOne(step.value);
  };
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker));
}

async function filesIn({ store, folder }: ArtifactPlace): Promise<Map<string, StoredFile>> {
  const files = new Map<string, StoredFile>();
  for await (const file of store.listRecursive(folder)) files.set(file.path, file);
  return files;
}

const isCurrent = (file: TreeFile, copy: StoredFile | undefined): boolean =>
  copy !== undefined && copy.size === file.size && (file.modified === null || copy.lastModified >= file.modified);

async function copyFile(
  tree: ArtifactTree,
  file: TreeFile,
  store: ArtifactStore,
  path: ReturnType<typeof parseArtifactPath>,
): Promise<void> {
  const body = await tree.open(file.path);
  // It may fail before the store listens; the store hears of it when it reads.
  body.on('error', () => {});
  try {
    await store.write(path, body, { contentLength: file.size });
  } finally {
    body.destroy();
  }
}
