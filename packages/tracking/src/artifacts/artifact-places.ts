import { DomainError, invalid, parseUri } from '@millrace/core';
import {
  type ArtifactPath,
  type ArtifactStore,
  joinArtifactPath,
  openStore,
  parseDestination,
  parseFolderPath,
  ROOT,
} from '@millrace/objects';

/** A folder in a store. */
export interface ArtifactPlace {
  readonly store: ArtifactStore;
  readonly folder: ArtifactPath;
  /** Reached through this server; else clients use the store themselves, and the server lists and reads. */
  readonly proxied: boolean;
}

export interface ArtifactPlacesOptions {
  /** The store behind `mlflow-artifacts:`; null where the server takes none. */
  readonly proxied: ArtifactStore | null;
  /** Folders of this machine below which artifacts may lie. */
  readonly localRoots: readonly string[];
}

/** Other stores kept open; a location that a client names opens one. */
const MAX_OPEN_STORES = 50;

/** Finds the store of an artifact location. */
export class ArtifactPlaces {
  readonly #options: ArtifactPlacesOptions;
  readonly #open = new Map<string, Promise<ArtifactStore>>();

  constructor(options: ArtifactPlacesOptions) {
    this.#options = options;
  }

  /** The store behind this server's own artifact API. */
  get proxied(): ArtifactStore {
    const { proxied } = this.#options;
    if (proxied !== null) return proxied;
    throw new DomainError(
      'NOT_IMPLEMENTED',
      'This server does not proxy artifacts (it runs with --no-serve-artifacts): use the artifact store directly.',
    );
  }

  get canMultipart(): boolean {
    return this.#options.proxied?.createMultipart !== undefined;
  }

  get canPresign(): boolean {
    return this.#options.proxied?.presignGet !== undefined;
  }

  async resolve(uri: string): Promise<ArtifactPlace> {
    const { scheme, path } = parseUri(uri);
    if (scheme === 'mlflow-artifacts') {
      return { store: this.proxied, folder: parseFolderPath(decode(path).replace(/^\/+/, '')), proxied: true };
    }
    const destination = parseDestination(uri);
    if (destination.kind === 'local' && !this.#isBelowRoot(destination.folder)) {
      throw new DomainError(
        'PERMISSION_DENIED',
        'The artifact location is a folder of the server that it does not hand out.',
      );
    }
    return { store: await this.#store(uri), folder: ROOT, proxied: false };
  }

  async close(): Promise<void> {
    const stores = await Promise.allSettled(this.#open.values());
    await Promise.all(stores.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)));
    await this.#options.proxied?.close();
  }

  #isBelowRoot(folder: string): boolean {
    return this.#options.localRoots.some((root) => folder === root || folder.startsWith(`${root}/`));
  }

  #store(uri: string): Promise<ArtifactStore> {
    const known = this.#open.get(uri);
    if (known !== undefined) return known;
    if (this.#open.size >= MAX_OPEN_STORES) {
      const [oldest, store] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      // Streams that were opened from it go on; only idle connections end.
      store.then((it) => it.close()).catch(() => {});
    }
    const opened = openStore(uri);
    this.#open.set(uri, opened);
    opened.catch(() => this.#open.delete(uri));
    return opened;
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid(`Invalid artifact location: its path is not correctly percent-encoded.`);
  }
}

export const within = ({ folder }: ArtifactPlace, path: ArtifactPath): ArtifactPath => joinArtifactPath(folder, path);
