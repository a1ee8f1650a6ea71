import { hostname, networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { invalid, type LocationPolicy, parseUri } from '@millrace/core';
import { type BackendUri, parseBackendUri } from '@millrace/db';
import { parseDestination } from '@millrace/objects';

/** Everything the server can be told, read once. */
export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly backend: BackendUri;
  /** Where proxied artifacts are stored: a folder or a store's URI. */
  readonly artifactsDestination: string;
  /** Where experiments without a location of their own keep their artifacts, as clients see it. */
  readonly artifactRoot: string;
  /** Which folders and hosts artifact locations may name. */
  readonly artifactLocations: LocationPolicy;
  readonly serveArtifacts: boolean;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly allowUnauthenticated: boolean;
  readonly truncateLongValues: boolean;
  readonly logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

/** Command-line options as given, without defaults. */
export interface ServerOptions {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly backendStoreUri?: string | undefined;
  readonly artifactsDestination?: string | undefined;
  readonly defaultArtifactRoot?: string | undefined;
  readonly serveArtifacts?: boolean | undefined;
  readonly allowedHosts?: string | undefined;
  readonly corsAllowedOrigins?: string | undefined;
  readonly allowUnauthenticated?: boolean | undefined;
  readonly logLevel?: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

/**
 * Joins options, environment and defaults, in this order. The environment's names are those of `mlflow server`
 * (`MLFLOW_HOST`, `MLFLOW_BACKEND_STORE_URI`, …); `MILLRACE_*` where MLflow has none.
 */
export function readConfig(options: ServerOptions, variables: Env): ServerConfig {
  // A variable that is set to nothing is as good as none: compose files and unit files leave such behind.
  const env: Env = Object.fromEntries(Object.entries(variables).filter(([, value]) => value?.trim() !== ''));
  const host = options.host ?? env.MLFLOW_HOST ?? '127.0.0.1';
  const dataDir = resolve(options.dataDir ?? env.MILLRACE_DATA_DIR ?? '.millrace');
  const backendText =
    options.backendStoreUri ?? env.MLFLOW_BACKEND_STORE_URI ?? `sqlite:///${join(dataDir, 'millrace.db')}`;
  const serveArtifacts = options.serveArtifacts ?? parseFlag('MLFLOW_SERVE_ARTIFACTS', env, true);
  const artifactsDestination =
    options.artifactsDestination ?? env.MLFLOW_ARTIFACTS_DESTINATION ?? join(dataDir, 'artifacts');
  const artifactRoot = absolute(
    options.defaultArtifactRoot ??
      env.MLFLOW_DEFAULT_ARTIFACT_ROOT ??
      (serveArtifacts ? 'mlflow-artifacts:/' : artifactsDestination),
  );
  const config: ServerConfig = {
    host,
    port: parsePort(options.port ?? env.MLFLOW_PORT ?? '5000'),
    dataDir,
    backend: parseBackendUri(backendText),
    artifactsDestination,
    artifactRoot,
    artifactLocations: {
      localRoots: localFolder(artifactRoot),
      trustedUris: [artifactRoot, artifactsDestination],
      allowedSchemes: parseList(env.MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES),
    },
    serveArtifacts,
    allowedHosts: [
      ...parseList(options.allowedHosts ?? env.MLFLOW_SERVER_ALLOWED_HOSTS),
      ...(LOOPBACK.has(host) ? [] : ownNames()),
    ],
    allowedOrigins: parseList(options.corsAllowedOrigins ?? env.MLFLOW_SERVER_CORS_ALLOWED_ORIGINS),
    allowUnauthenticated: options.allowUnauthenticated ?? parseFlag('MILLRACE_ALLOW_UNAUTHENTICATED', env, false),
    truncateLongValues: parseFlag('MLFLOW_TRUNCATE_LONG_VALUES', env, true),
    logLevel: parseLogLevel(options.logLevel ?? env.MILLRACE_LOG_LEVEL ?? 'warn'),
  };
  if (!LOOPBACK.has(host) && !config.allowUnauthenticated) {
    throw invalid(
      `Listening on ${host} would let everyone who reaches this machine read and change everything. Listen on 127.0.0.1 and put an authenticating proxy before it, or say --allow-unauthenticated if the network is trusted.`,
    );
  }
  return config;
}

/** Names that requests from other machines may use without being told: no page that rebinds a name can have them. */
function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [
    hostname(),
    ...addresses.map(({ address, family }) => (family === 'IPv6' ? `[${address.split('%')[0]}]` : address)),
  ];
}

const FLAG_WORDS: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word): [string, boolean] => [word, true]),
  ...['false', '0', 'no', 'off'].map((word): [string, boolean] => [word, false]),
]);

function parseFlag(name: string, env: Env, standard: boolean): boolean {
  const text = env[name];
  if (text === undefined) return standard;
  const flag = FLAG_WORDS.get(text.trim().toLowerCase());
  if (flag === undefined) throw invalid(`Invalid ${name} '${text}': it is true or false.`);
  return flag;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw invalid(`Invalid port '${text}': it is a number from 0 to 65535.`);
  return port;
}

/** The default artifact root, where it is a folder of this machine that clients reach by the same path (NFS). */
function localFolder(uri: string): string[] {
  if (uri.startsWith('mlflow-artifacts:')) return [];
  const destination = parseDestination(uri);
  return destination.kind === 'local' ? [destination.folder] : [];
}

/** A folder's full path: clients run elsewhere. */
const absolute = (uri: string): string => (parseUri(uri).scheme === '' ? resolve(uri) : uri);

const parseList = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function parseLogLevel(text: string): ServerConfig['logLevel'] {
  const level = LOG_LEVELS.find((name) => name === text);
  if (level === undefined) throw invalid(`Invalid log level '${text}': it is one of ${LOG_LEVELS.join(', ')}.`);
  return level;
}
