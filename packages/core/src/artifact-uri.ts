import { invalid } from './errors.ts';
import { MAX_ARTIFACT_LOCATION_LENGTH } from './limits.ts';
import { checkText, shown } from './text.ts';

export interface ArtifactUri {
  /** Lower case; empty for a bare path. */
  readonly scheme: string;
  /** Between `//` and the path; null where there is no `//`. */
  readonly authority: string | null;
  readonly path: string;
  readonly query: string | null;
  readonly fragment: string | null;
}

export interface LocationPolicy {
  /** The request's field, for messages. */
  readonly field?: string;
  /** Absolute folders of this server under which a client may name a place. */
  readonly localRoots?: readonly string[];
  /** The server's own artifact storage: its hosts may be named. */
  readonly trustedUris?: readonly string[];
  /** Schemes whose hosts the operator lets clients choose (MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES). */
  readonly allowedSchemes?: readonly string[];
}

const URI = /^(?:([a-zA-Z][\w+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;
const CONTROL = /\p{Cc}/u;

export const parseUri = (uri: string): ArtifactUri => {
  const [, scheme = '', authority, path = '', query, fragment] = URI.exec(uri) ?? [];
  // One letter is a Windows drive.
  if (scheme.length === 1) return { scheme: '', authority: null, path: uri, query: null, fragment: null };
  return {
    scheme: scheme.toLowerCase(),
    authority: authority ?? null,
    path,
    query: query ?? null,
    fragment: fragment ?? null,
  };
};

/**
 * Checks a storage location that a client names, by MLflow's rules and one of ours: a client never names a path of the
 * server itself, except under a folder that the operator allows.
 * @throws DomainError INVALID_PARAMETER_VALUE
 */
export const checkArtifactLocation = (location: string, policy: LocationPolicy = {}): void => {
  const field = policy.field ?? 'artifact_location';
  checkText(field, location);
  if (location.length > MAX_ARTIFACT_LOCATION_LENGTH) {
    throw invalid(
      `Invalid artifact path length. The length of the artifact path cannot be greater than ${MAX_ARTIFACT_LOCATION_LENGTH} characters.`,
    );
  }
  if (CONTROL.test(location)) throw invalid(`'${field}' cannot have control characters.`);
  const uri = parseUri(location);
  if (uri.fragment !== null || hasParameters(uri)) {
    throw invalid(`'${field}' URL can't include fragments or params.`);
  }
  if (decodedFully(uri.query ?? '')?.includes('..') ?? true) throw invalid('Invalid query string');
  if (uri.scheme === 'runs') {
    throw invalid(`Artifact location cannot be a runs:/ URI. Given: '${shown(location)}'`);
  }
  checkHost(uri, field, policy);
  const path = decodedFully(uri.path);
  if (path === null || path.split(/[/\\]/).includes('..')) {
    throw invalid(`'${field}' cannot have a '..' segment in its path. Given: '${shown(location)}'`);
  }
  if (uri.scheme === '' || uri.scheme === 'file') checkLocal(location, uri, path, field, policy.localRoots ?? []);
};

/**
 * Appends a relative path to the path of a URI; its query stays behind the path.
 * @throws DomainError INVALID_PARAMETER_VALUE where the path leaves the URI's folder.
 */
export const appendToUri = (uri: string, ...paths: readonly string[]): string => {
  const suffix = paths.map((path) => path.replace(/^\/+/, '')).reduce(joinPaths, '');
  if (suffix.split('/').includes('..'))
    throw invalid(`Invalid path '${shown(suffix)}': it cannot have a '..' segment.`);
  const { scheme, authority, path, query } = parseUri(uri);
  if (scheme === '') return joinPaths(uri, suffix);
  const base = authority !== null && path === '' ? '/' : path;
  const prefix = uri.slice(0, scheme.length + 1);
  return `${prefix}${authority === null ? '' : `//${authority}`}${joinPaths(base, suffix)}${query ? `?${query}` : ''}`;
};

const joinPaths = (left: string, right: string): string => {
  if (left === '') return right;
  return left.endsWith('/') ? left + right : `${left}/${right}`;
};

/** `;parameters` behind the last segment, in the schemes that have them. */
const hasParameters = ({ scheme, path }: ArtifactUri): boolean =>
  ['', 'http', 'https', 'ftp', 'sftp'].includes(scheme) && path.slice(path.lastIndexOf('/') + 1).includes(';');

/** Text after percent-decoding until it stays the same; null where ten times are not enough or it is malformed. */
const decodedFully = (text: string): string | null => {
  let current = text;
  for (let round = 0; round < 10; round += 1) {
    const decoded = decodeLoosely(current);
    if (decoded === current) return current;
    current = decoded;
  }
  return null;
};

/** Percent-decoding that leaves alone what is not an escape, and bytes that are not UTF-8 too. */
const decodeLoosely = (text: string): string =>
  text.replace(/(?:%[\da-fA-F]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes.replace(/%([0-7][\da-fA-F])/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    }
  });

const checkLocal = (
  location: string,
  { scheme, authority }: ArtifactUri,
  path: string,
  field: string,
  roots: readonly string[],
): void => {
  const isOwnHost = authority === null || authority === '' || authority === 'localhost';
  const isAllowed = (root: string): boolean => {
    const folder = root.endsWith('/') ? root : `${root}/`;
    return path === root || path.startsWith(folder);
  };
  if ((scheme === 'file' ? isOwnHost : authority === null) && !path.includes('\\') && roots.some(isAllowed)) return;
  const where = roots.length > 0 ? ` outside ${roots.map((root) => `'${root}'`).join(', ')}` : '';
  throw invalid(
    `'${field}' cannot be a path on the server${where}. Given: '${shown(location)}'. Leave it out to use the server's own storage, or name remote storage such as s3://bucket/path.`,
  );
};

const HOST_SCHEMES = new Set([
  'ftp',
  'sftp',
  'hdfs',
  'viewfs',
  'http',
  'https',
  'mlflow-artifacts',
  'r2',
  'b2',
  'abfss',
]);
/** Schemes that reach the same service compare as one. */
const FAMILIES: Readonly<Record<string, string>> = { viewfs: 'hdfs', https: 'http', 'mlflow-artifacts': 'http' };
const PORTS: Readonly<Record<string, readonly string[]>> = {
  ftp: ['21'],
  sftp: ['22'],
  http: ['80'],
  https: ['443'],
  'mlflow-artifacts': ['80', '443'],
  r2: ['443'],
  b2: ['443'],
  abfss: ['443'],
};

/** Refuses a URI that would make the server connect to a host of the client's choice. */
const checkHost = (
  uri: ArtifactUri,
  field: string,
  { trustedUris = [], allowedSchemes = [] }: LocationPolicy,
): void => {
  const wanted = hostTargets(uri);
  if (wanted === null || allowedSchemes.some((scheme) => scheme.toLowerCase() === uri.scheme)) return;
  const trusted = new Set(trustedUris.flatMap((own) => hostTargets(parseUri(own)) ?? []));
  if (wanted.some((target) => trusted.has(target))) return;
  throw invalid(
    `'${field}' cannot use the '${uri.scheme}' scheme: the '${uri.scheme}' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI. Set the MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES environment variable on the server to allow it.`,
  );
};

/** What a URI may connect to, as `family host port`; null where it chooses no host, none where it is malformed. */
const hostTargets = ({ scheme, authority }: ArtifactUri): string[] | null => {
  if (!HOST_SCHEMES.has(scheme) || (scheme === 'mlflow-artifacts' && !authority)) return null;
  const [, host, port] = /^(?:.*@)?(\[[^\]\\\s]*\]|[^:@\\\s[\]]*)(?::(\d*))?$/s.exec(authority ?? '') ?? [];
  if (host === undefined || Number(port) > 65_535) return [];
  const ports = port ? [String(Number(port))] : (PORTS[scheme] ?? ['']);
  return ports.map((each) => `${FAMILIES[scheme] ?? scheme} ${host.toLowerCase()} ${each}`);
};
