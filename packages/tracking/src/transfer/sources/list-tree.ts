import type { Readable } from 'node:stream';
import type { ArtifactTree, TreeFile } from '../artifact-tree.ts';

/** A file or folder as the REST API lists it: its path is relative to the tree. */
export interface WireFile {
  readonly path: string;
  readonly is_dir?: boolean;
  /** int64: some servers write it as text. */
  readonly file_size?: number | string;
}

interface Lister {
  list(folder: string): Promise<readonly WireFile[]>;
  open(path: string): Promise<Readable>;
}

/** A tree that is listed folder by folder. */
export function listTree({ list, open }: Lister): ArtifactTree {
  async function* walk(folder: string): AsyncGenerator<TreeFile> {
    for (const { path, is_dir, file_size = 0 } of await list(folder)) {
      // A server that lists a folder as its own entry must not keep us for ever.
      if (is_dir === true && path.length > folder.length) yield* walk(path);
      else if (is_dir !== true) yield { path, size: Number(file_size), modified: null };
    }
  }
  return { list: () => walk(''), open };
}
