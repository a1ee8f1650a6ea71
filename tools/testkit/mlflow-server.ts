import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { answers, type ChildServer, startChildServer } from './child-server.ts';
import { freePort } from './free-port.ts';
import { mlflowVersions, venvBin } from './paths.ts';
import { tempDir } from './temp-dir.ts';

export interface MlflowServerOptions {
  /** Default: a SQLite file in a fresh temporary folder. */
  readonly backendUri?: string;
  /** Default: a folder beside that file. */
  readonly artifacts?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface MlflowServer extends ChildServer {
  readonly url: string;
  readonly backendUri: string;
}

/** Starts the real MLflow server, to compare behaviour with. Slow: 20 to 45 s. */
export async function startMlflowServer(options: MlflowServerOptions = {}): Promise<MlflowServer> {
  const file = venvBin('mlflow3', 'mlflow');
  if (!existsSync(file))
    throw new Error(`mlflow ${mlflowVersions.mlflow3} is not installed: \`npm test\` installs it.`);
  const dir = tempDir('mlflow');
  const backendUri = options.backendUri ?? `sqlite:///${join(dir, 'mlflow.db')}`;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await startChildServer({
    label: 'mlflow server',
    file,
    args: [
      'server',
      ...['--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
      ...['--backend-store-uri', backendUri, '--artifacts-destination', options.artifacts ?? join(dir, 'artifacts')],
      ...(options.args ?? []),
    ],
    cwd: dir,
    env: { MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true', MLFLOW_TRACKING_URI: undefined, ...options.env },
    isReady: () => answers(`${url}/health`),
    readyWithin: 240,
  });
  return Object.assign(child, { url, backendUri });
}
