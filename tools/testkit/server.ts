import { join } from 'node:path';
import { answers, type ChildServer, startChildServer } from './child-server.ts';
import { freePort } from './free-port.ts';
import { root } from './paths.ts';
import { sharedPostgres } from './postgres-broker.ts';
import { tempDir } from './temp-dir.ts';

export interface ServerOptions {
  /** `sqlite` (default): a file in the data folder. `postgres`: a new database of the shared cluster. Else a backend store URI. */
  readonly backend?: 'sqlite' | 'postgres' | `${string}://${string}`;
  /** More arguments of `millrace server`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a fresh temporary folder. */
  readonly dataDir?: string;
  readonly port?: number;
}

export interface TestServer extends ChildServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** The backend store URI, or undefined for the default one inside `dataDir`. */
  readonly backendUri: string | undefined;
  /** A new process on the same port, data folder and backend; this one has ended before. */
  restart(): Promise<TestServer>;
}

/** Starts the product as its user does, on a free port, and resolves when /health answers. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const { backend = 'sqlite', dataDir = tempDir('server'), port = await freePort(), args = [], env = {} } = options;
  const backendUri =
    backend === 'sqlite'
      ? undefined
      : backend === 'postgres'
        ? await (await sharedPostgres()).createDatabase()
        : backend;
  const url = `http://127.0.0.1:${port}`;
  const child = await startChildServer({
    label: 'millrace server',
    file: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      join(root, 'apps/cli/src/main.ts'),
      'server',
      ...['--host', '127.0.0.1', '--port', String(port), '--data-dir', dataDir],
      ...(backendUri === undefined ? [] : ['--backend-store-uri', backendUri]),
      ...args,
    ],
    env: { ...withoutSettings(), NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/millrace'), ...env },
    isReady: () => answers(`${url}/health`),
  });
  return Object.assign(child, {
    url,
    port,
    dataDir,
    backendUri,
    restart: () => startServer({ ...options, dataDir, port, ...(backendUri && { backend: backendUri as 'x://x' }) }),
  });
}

/** What the developer's shell sets must not change a test. */
function withoutSettings(): Record<string, undefined> {
  const names = Object.keys(process.env).filter((name) => /^(MLFLOW|MILLRACE)_/.test(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}
