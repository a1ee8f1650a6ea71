import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DomainError } from '@millrace/core';
import { type ArtifactPath, parentOf, ROOT } from '../artifact-path.ts';
import { errorCode } from './local-errors.ts';

const REMEMBERED_FOLDERS = 10_000;

const UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS']);

/** The folders below one root: made so that they survive a power cut, and never entered through a symbolic link. */
export class DurableFolders {
  readonly #root: string;
  /** Folders whose own entry in their parent is known to be on disk. */
  readonly #durable = new Set<ArtifactPath>();
  readonly #syncs = new Map<string, { running: Promise<void>; next?: Promise<void> }>();

  /** `root` is a real path, free of links. */
  constructor(root: string) {
    this.#root = root;
  }

  absolute(path: ArtifactPath): string {
    return path === ROOT ? this.#root : `${this.#root}/${path}`;
  }

  /** Makes the folder and its parents; after it, what is renamed into the folder and synced there is durable. */
  async ensure(folder: ArtifactPath): Promise<void> {
    if (folder === ROOT) return;
    if (await this.exists(folder)) {
      if (this.#durable.has(folder)) return;
    } else {
      this.forget(folder);
    }
    const chain = ancestorsAndSelf(folder).filter((each) => !this.#durable.has(each));
    for (const each of chain) await makeFolder(this.absolute(each), each);
    await Promise.all(chain.map((each) => this.sync(parentOf(each))));
    for (const each of chain) this.#remember(each);
    if (!(await this.exists(folder)))
      throw Object.assign(new Error(`${folder} was removed meanwhile`), { code: 'ENOENT' });
  }

  /** Whether the folder is there; throws PERMISSION_DENIED where the way to it leads through a symbolic link. */
  async exists(folder: ArtifactPath): Promise<boolean> {
    const expected = this.absolute(folder);
    try {
      if ((await realpath(expected)) !== expected) throw throughLink(folder);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      if (errorCode(error) === 'ELOOP') throw throughLink(folder);
      throw error;
    }
  }

  /**
   * Puts the folder's entries on disk. Calls that arrive while a sync runs share the next one: it starts after all of
   * them, so it covers all of them.
   */
  sync(folder: ArtifactPath): Promise<void> {
    const path = this.absolute(folder);
    const current = this.#syncs.get(path);
    if (current === undefined) return this.#startSync(path);
    current.next ??= current.running.then(
      () => this.#startSync(path),
      () => this.#startSync(path),
    );
    return current.next;
  }

  /** To be called when the folder is removed, and when it turns out that another process removed it. */
  forget(folder: ArtifactPath): void {
    for (const known of this.#durable) {
      const gone = known === folder || known.startsWith(`${folder}/`) || folder.startsWith(`${known}/`);
      if (gone || folder === ROOT) this.#durable.delete(known);
    }
  }

  #startSync(path: string): Promise<void> {
    const running = syncFolder(path).finally(() => {
      if (this.#syncs.get(path)?.running === running) this.#syncs.delete(path);
    });
    this.#syncs.set(path, { running });
    return running;
  }

  #remember(folder: ArtifactPath): void {
    if (this.#durable.size >= REMEMBERED_FOLDERS) {
      for (const oldest of this.#durable.values().take(REMEMBERED_FOLDERS / 10)) this.#durable.delete(oldest);
    }
    this.#durable.add(folder);
  }
}

/** Makes an absolute folder and its missing parents, and puts each on disk. */
export async function makeDurableFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let each = path; each.length >= first.length; each = dirname(each)) await syncFolder(dirname(each));
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems have nothing to sync in a folder, and say so; any other failure is one.
    if (!UNSUPPORTED.has(errorCode(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

async function makeFolder(absolute: string, folder: ArtifactPath): Promise<void> {
  try {
    await mkdir(absolute);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const found = await lstat(absolute);
    if (found.isSymbolicLink()) throw throughLink(folder);
    if (!found.isDirectory()) throw error;
  }
}

const ancestorsAndSelf = (folder: ArtifactPath): ArtifactPath[] => {
  const segments = folder.split('/');
  return segments.map((_, index) => segments.slice(0, index + 1).join('/') as ArtifactPath);
};

const throughLink = (folder: ArtifactPath): DomainError =>
  new DomainError(
    'PERMISSION_DENIED',
    `'${folder}' leads through a symbolic link, which the artifact store never follows`,
  );
