import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type MlflowEnvironment, root, startServer, venvBin } from '../../../tools/testkit/index.ts';

const execute = promisify(execFile);

const NODE_ARGS = ['--disable-warning=ExperimentalWarning', join(root, 'apps/cli/src/main.ts')];

/** The shell's settings must not change a test. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MLFLOW|MILLRACE)_/.test(name)));

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `millrace` to its end, whatever that is. */
export async function millrace(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> {
  try {
    const options = { env: { ...env, ...more }, maxBuffer: 1 << 26 };
    return { code: 0, ...(await execute(process.execPath, [...NODE_ARGS, ...args], options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended & { code: number };
    return { code, stdout, stderr };
  }
}

export const startMillrace = (args: readonly string[]) =>
  spawn(process.execPath, [...NODE_ARGS, ...args], { env, stdio: 'ignore' });

/** Runs a program of this folder with a real client, and answers with what it printed. */
export async function python(client: MlflowEnvironment, program: string, args: readonly string[], cwd: string) {
  const { stdout } = await execute(venvBin(client, 'python'), [join(import.meta.dirname, program), ...args], {
    cwd,
    env,
    maxBuffer: 1 << 26,
  });
  return stdout;
}

export const writeSource = (client: MlflowEnvironment, uri: string, cwd: string) =>
  python(client, 'import-write.py', [uri], cwd);

/** What a real client sees at a tracking URI. */
export async function dump(client: MlflowEnvironment, uri: string, cwd: string, ...args: string[]): Promise<unknown> {
  const printed = await python(client, 'import-dump.py', [uri, ...args], cwd);
  return JSON.parse(printed.slice(printed.lastIndexOf('\n{')));
}

interface Installation {
  readonly dataDir: string;
  readonly backend?: `${string}://${string}` | undefined;
}

/** What a real client sees of an installation, through its server. */
export async function dumpTarget(client: MlflowEnvironment, { dataDir, backend }: Installation, ...args: string[]) {
  const server = await startServer({ dataDir, ...(backend === undefined ? {} : { backend }) });
  try {
    return await dump(client, server.url, dataDir, ...args);
  } finally {
    await server.stop();
  }
}
