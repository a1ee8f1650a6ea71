import { isAbsolute, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig, type ServerOptions } from '../src/index.ts';

const failure = (options: ServerOptions, env: Record<string, string> = {}): string => {
  try {
    readConfig(options, env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`accepted: ${JSON.stringify({ options, env })}`);
};

describe('configuration', () => {
  it('needs nothing: everything in one folder, open to this machine only', () => {
    expect(readConfig({}, {})).toMatchObject({
      host: '127.0.0.1',
      port: 5000,
      dataDir: resolve('.millrace'),
      backend: { dialect: 'sqlite', file: resolve('.millrace/millrace.db') },
      artifactsDestination: resolve('.millrace/artifacts'),
      artifactRoot: 'mlflow-artifacts:/',
      serveArtifacts: true,
      allowedHosts: [],
      allowedOrigins: [],
      allowUnauthenticated: false,
      truncateLongValues: true,
      logLevel: 'warn',
    });
  });

  /** Each setting as option, as variable, and as what is read of `a` and `b`. */
  const settings: readonly [
    keyof ServerOptions,
    string,
    string,
    string,
    (config: ReturnType<typeof readConfig>) => unknown,
  ][] = [
    ['host', 'MLFLOW_HOST', '::1', 'localhost', ({ host }) => host],
    ['port', 'MLFLOW_PORT', '1', '65535', ({ port }) => String(port)],
    ['dataDir', 'MILLRACE_DATA_DIR', '/a', '/b', ({ dataDir }) => dataDir],
    [
      'backendStoreUri',
      'MLFLOW_BACKEND_STORE_URI',
      'sqlite:////a/x.db',
      'sqlite:////b/x.db',
      ({ backend }) => `sqlite:///${'file' in backend ? backend.file : ''}`,
    ],
    [
      'artifactsDestination',
      'MLFLOW_ARTIFACTS_DESTINATION',
      's3://a',
      's3://b',
      ({ artifactsDestination }) => artifactsDestination,
    ],
    ['defaultArtifactRoot', 'MLFLOW_DEFAULT_ARTIFACT_ROOT', 's3://a/x', 's3://b/x', ({ artifactRoot }) => artifactRoot],
    ['allowedHosts', 'MLFLOW_SERVER_ALLOWED_HOSTS', 'a,b', 'c', ({ allowedHosts }) => allowedHosts.join(',')],
    [
      'corsAllowedOrigins',
      'MLFLOW_SERVER_CORS_ALLOWED_ORIGINS',
      'http://a',
      'http://b',
      ({ allowedOrigins }) => allowedOrigins.join(','),
    ],
    ['logLevel', 'MILLRACE_LOG_LEVEL', 'debug', 'error', ({ logLevel }) => logLevel],
  ];

  it.each(settings)('%s: an option comes before %s, which comes before the default', (option, variable, a, b, read) => {
    expect(read(readConfig({ [option]: a }, {}))).toBe(a);
    expect(read(readConfig({}, { [variable]: a }))).toBe(a);
    expect(read(readConfig({ [option]: a }, { [variable]: b }))).toBe(a);
    expect(read(readConfig({}, { [variable]: '' }))).toEqual(read(readConfig({}, {})));
  });

  it('flags are told in the words that people write', () => {
    const read = (text: string) => readConfig({}, { MLFLOW_SERVE_ARTIFACTS: text }).serveArtifacts;
    for (const word of ['true', 'True', '1', 'yes', 'on', '']) expect(read(word), word).toBe(true);
    for (const word of ['false', 'FALSE', '0', 'no', 'off']) expect(read(word), word).toBe(false);
    expect(readConfig({ serveArtifacts: true }, { MLFLOW_SERVE_ARTIFACTS: 'false' }).serveArtifacts).toBe(true);
    expect(readConfig({}, { MILLRACE_ALLOW_UNAUTHENTICATED: '1', MLFLOW_HOST: '0.0.0.0' }).host).toBe('0.0.0.0');
    expect(readConfig({}, { MLFLOW_TRUNCATE_LONG_VALUES: 'False' }).truncateLongValues).toBe(false);
    for (const name of ['MLFLOW_SERVE_ARTIFACTS', 'MILLRACE_ALLOW_UNAUTHENTICATED', 'MLFLOW_TRUNCATE_LONG_VALUES']) {
      expect(failure({}, { [name]: 'maybe' })).toContain(`${name} 'maybe'`);
    }
  });

  it.each(['0.0.0.0', '192.168.1.5', '::', 'example.com'])('%s is not listened on unasked', (host) => {
    expect(failure({ host })).toMatch(/--allow-unauthenticated/);
    const { allowedHosts } = readConfig({ host, allowUnauthenticated: true, allowedHosts: 'mine' }, {});
    expect(allowedHosts).toEqual(expect.arrayContaining(['mine', '127.0.0.1']));
    expect(allowedHosts).not.toContain('*');
  });

  it('bad values are named with the rule', () => {
    for (const port of ['x', '-1', '65536', '1e3', '80 80', '0x50'])
      expect(failure({ port })).toMatch(/^Invalid port '.*0 to 65535/);
    expect(failure({ logLevel: 'loud' })).toMatch(/^Invalid log level 'loud': .*silent, error, warn, info, debug/);
    for (const backendStoreUri of ['mysql://u:geheim@h/d', 'nonsense', '/a/file.db', 'file:///a']) {
      const words = failure({ backendStoreUri });
      expect(words).toMatch(/sqlite:\/\/\//);
      expect(words).not.toContain('geheim');
    }
  });

  it('artifact locations may name the hosts of the own storage, and of schemes that the operator allows', () => {
    const env = { MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES: 'sftp, abfss' };
    const { artifactLocations } = readConfig({ artifactsDestination: 'sftp://store/a' }, env);
    expect(artifactLocations.trustedUris).toEqual(['mlflow-artifacts:/', 'sftp://store/a']);
    expect(artifactLocations.allowedSchemes).toEqual(['sftp', 'abfss']);
  });

  it('folders are told to clients in full, and only they may be named as locations', () => {
    const { artifactRoot, artifactLocations } = readConfig({ serveArtifacts: false, dataDir: 'some' }, {});
    expect(isAbsolute(artifactRoot)).toBe(true);
    expect(artifactRoot).toBe(join(resolve('some'), 'artifacts'));
    expect(artifactLocations.localRoots).toEqual([artifactRoot]);
    expect(readConfig({}, {}).artifactLocations.localRoots).toEqual([]);
    expect(readConfig({ allowedHosts: ' a , ,b ' }, {}).allowedHosts).toEqual(['a', 'b']);
  });
});
