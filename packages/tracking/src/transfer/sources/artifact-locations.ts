import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalid, parseUri } from '@millrace/core';
import { type ArtifactTree, emptyTree, folderTree, isFolder, isRemote, TreeStores } from '../artifact-tree.ts';
import type { ArtifactOwner } from '../records.ts';

/** Finds the files behind the artifact locations that an MLflow installation wrote down. */
export class ArtifactLocations {
  readonly #stores = new TreeStores();
  readonly #root: string | undefined;
  readonly #base: string;

  /**
   * @param root what `mlflow server` had as --artifacts-destination, or where its artifact folder is now
   * @param base the folder that relative locations start from
   */
  constructor(root: string | undefined, base: string) {
    this.#root = root;
    this.#base = base;
  }

  async find(owner: ArtifactOwner): Promise<ArtifactTree> {
    const { uri } = owner;
    if (uri === '') return emptyTree;
    const { scheme, path } = parseUri(uri);
    if (scheme === '' || scheme === 'file') return this.#local(owner);
    if (isRemote(uri)) return this.#stores.tree(uri);
    if (scheme === 'mlflow-artifacts' || scheme === 'http' || scheme === 'https') {
      if (this.#root === undefined) {
        throw invalid(
          "They lie behind the old server's artifact proxy (mlflow-artifacts:): name the folder or store behind it with --artifacts, as its --artifacts-destination did.",
        );
      }
      const proxied = path.replace(/^.*\/mlflow-artifacts\/artifacts\//, '').replace(/^\/+|\/+$/g, '');
      return this.#stores.below(this.#root, decodeURIComponent(proxied));
    }
    throw invalid(`They lie at a '${scheme}:' location, which Millrace cannot read.`);
  }

  close(): Promise<void> {
    return this.#stores.close();
  }

  /** Where it was written down; else, as the folder may have moved, in its place below --artifacts. */
  async #local({ kind, id, experimentId, uri }: ArtifactOwner): Promise<ArtifactTree> {
    const folder = localPath(uri, this.#base);
    const parts = kind === 'run' ? [experimentId, id] : [experimentId, 'models', id];
    if (this.#root !== undefined && !(await isFolder(folder))) {
      return this.#stores.below(this.#root, [...parts, 'artifacts'].join('/'));
    }
    return folderTree(folder);
  }
}

export function localPath(uri: string, base: string): string {
  if (/^file:\/\//i.test(uri)) return fileURLToPath(new URL(uri));
  const path = uri.replace(/^file:/i, '');
  return isAbsolute(path) ? path : resolve(join(base, path));
}
