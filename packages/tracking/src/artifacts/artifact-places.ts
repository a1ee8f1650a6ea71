import { checkArtifactLocation, DomainError, invalid, type LocationPolicy, parseUri } from '@millrace/core';
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
  /** Which folders and hosts a location may name; what was stored under an older policy is held to this one too. */
  readonly locations: LocationPolicy;
}

/** Other stores kept open; a location that a client names opens one. */
const MAX_OPEN_STORES = 50;

/** Finds the store of an artifact location. */
export class ArtifactPlaces {
  readonly #options: ArtifactPlacesOptions;
  /** By base, least recently used first. */
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
    const { scheme, authority, path } = parseUri(uri);
    if (authority) this.#checkHost(scheme, authority);
    if (scheme === 'mlflow-artifacts') {
      return { store: this.proxied, folder: parseFolderPath(decode(path).replace(/^\/+/, '')), proxied: true };
    }
    const { base, folder } = this.#split(uri);
    return { store: await this.#store(base), folder: parseFolderPath(folder), proxied: false };
  }

  async close(): Promise<void> {
    const stores = await Promise.allSettled(this.#open.values());
    await Promise.all(stores.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)));
    await this.#options.proxied?.close();
  }

  /** Only the host: a location's length and path were checked when it was made, and a run's is longer. */
  #checkHost(scheme: string, authority: string): void {
    if (scheme === 'file') return;
    const { locations } = this.#options;
    // What another server proxies is not here, whoever may name it.
    const policy = scheme === 'mlflow-artifacts' ? { ...locations, allowedSchemes: [] } : locations;
    checkArtifactLocation(`${scheme}://${authority}/`, policy);
  }

  /**
   * A store that many locations share, and the folder in it. Below a root of this server's own that root is the base, so
   * that no symbolic link below it leads anywhere.
   */
  #split(uri: string): { base: string; folder: string } {
    const { localRoots = [], trustedUris = [] } = this.#options.locations;
    const destination = parseDestination(uri);
    if (destination.kind === 'local') {
      const base = localRoots.find((root) => isWithin(root, destination.folder));
      if (base === undefined) {
        throw new DomainError(
          'PERMISSION_DENIED',
          'The artifact location is a folder of the server that it does not hand out.',
        );
      }
      return { base, folder: destination.folder.slice(base.length).replace(/^\//, '') };
    }
    const own = trustedUris.map((root) => root.replace(/\/+$/, '')).find((root) => isWithin(root, uri));
    if (own !== undefined) return { base: own, folder: uri.slice(own.length).replace(/^\/|\/$/g, '') };
    if (destination.kind === 'sftp') return { base: uri, folder: ROOT };
    const [, bucket = uri, prefix = ''] = /^([^:]+:\/\/[^/]+)\/*(.*?)\/*$/s.exec(uri) ?? [];
    return { base: bucket, folder: prefix };
  }

  #store(base: string): Promise<ArtifactStore> {
    const known = this.#open.get(base);
    if (known !== undefined) {
      this.#open.delete(base);
      this.#open.set(base, known);
      return known;
    }
    if (this.#open.size >= MAX_OPEN_STORES) {
      const [oldest, store] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      // Streams that were opened from it go on; only idle connections end.
      store.then((it) => it.close()).catch(() => {});
    }
    const opened = openStore(base);
    this.#open.set(base, opened);
    opened.catch(() => this.#open.delete(base));
    return opened;
  }
}

const isWithin = (root: string, place: string): boolean =>
  place === root || place.startsWith(root.endsWith('/') ? root : `${root}/`);

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid(`Invalid artifact location: its path is not correctly percent-encoded.`);
  }
}

export const within = ({ folder }: ArtifactPlace, path: ArtifactPath): ArtifactPath => joinArtifactPath(folder, path);
