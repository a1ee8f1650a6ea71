import type { ArtifactPath } from './artifact-path.ts';
import { ROOT, TEMP_FOLDER } from './artifact-path.ts';
import type { Entry } from './artifact-store.ts';

/** Artifact paths as keys of a bucket, below the destination's prefix. */
export class ObjectKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
  }

  of(path: ArtifactPath): string {
    return this.#prefix + path;
  }

  /** What the keys of everything below the folder begin with. */
  below(folder: ArtifactPath): string {
    return folder === ROOT ? this.#prefix : `${this.#prefix}${folder}/`;
  }

  path(key: string): ArtifactPath {
    return key.slice(this.#prefix.length) as ArtifactPath;
  }

  /** A page of a listing by delimiter as entries: without markers of empty folders and the stores' own folder. */
  entries(folder: ArtifactPath, objects: Iterable<{ key: string; size: number }>, folders: Iterable<string>): Entry[] {
    const { length } = this.below(folder);
    const entries: Entry[] = [];
    for (const { key, size } of objects) {
      if (key.length > length) entries.push({ name: key.slice(length), isDir: false, size });
    }
    for (const each of folders) {
      const name = each.slice(length, -1);
      if (name !== '' && name !== TEMP_FOLDER) entries.push({ name, isDir: true, size: 0 });
    }
    return entries;
  }

  /** Whether a key of a recursive listing is an artifact: no marker of a folder, nothing of the stores' own. */
  isArtifact(key: string): boolean {
    return !key.endsWith('/') && !this.path(key).startsWith(`${TEMP_FOLDER}/`);
  }
}

/** A Content-Disposition that saves under the name in any script, and cannot be broken out of by quotes. */
export function attachment(filename: string): string {
  const ascii = filename.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
