import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { devDir, type MlflowEnvironment, mlflowVersions, venvBin, venvDir } from '../paths.ts';
import { runProgram } from '../run-program.ts';
import type { Provision } from './provision.ts';

const UV_VERSION = '0.13.8';

/** The interpreters that the pinned packages have wheels for. */
const interpreters: Readonly<Record<MlflowEnvironment, string>> = {
  mlflow3: '>=3.11,<3.14',
  mlflow2: '>=3.11,<3.14',
  mlflow1: '==3.11.*',
};

/** A virtual environment for each version of the real MLflow, as `tools/testkit/python/*.txt` pins it. */
export async function* provisionPython(): AsyncGenerator<Provision> {
  const names = Object.keys(mlflowVersions) as MlflowEnvironment[];
  for (const environment of names) {
    const name = `Python, mlflow ${mlflowVersions[environment]}`;
    const problem = await ensureEnvironment(environment);
    yield problem === undefined ? { name, ready: venvDir(environment) } : { name, missing: problem };
  }
}

async function ensureEnvironment(environment: MlflowEnvironment): Promise<string | undefined> {
  const requirements = join(import.meta.dirname, '../python', `${environment}.txt`);
  const venv = venvDir(environment);
  const python = venvBin(environment, 'python');
  const stampFile = join(venv, '.millrace-requirements');
  // Scripts of an environment name its folder, so one that was moved along with its checkout is stale too.
  const stamp = createHash('sha256').update(`${venv}\n`).update(readFileSync(requirements)).digest('hex');
  if (existsSync(python) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return undefined;

  console.log(`installing mlflow ${mlflowVersions[environment]} for Python …`);
  const uv = await ensureUv();
  if ('missing' in uv) return uv.missing;
  const steps = [
    ['venv', '--quiet', '--clear', '--no-project', '--python', interpreters[environment], venv],
    ['pip', 'sync', '--quiet', '--no-build', '--python', python, requirements],
  ];
  for (const args of existsSync(stampFile) || !existsSync(python) ? steps : steps.slice(1)) {
    const { code, output } = await runProgram(uv.file, args, { env: await uvSettings() });
    if (code !== 0) return `uv ${args[0]} failed: ${output.trim().split('\n').slice(-3).join(' ')}`;
  }
  writeFileSync(stampFile, stamp);
  return undefined;
}

/** uv, pip's fast relative: the user's own, else a copy in `.dev`. */
async function ensureUv(): Promise<{ file: string } | { missing: string }> {
  const own = join(devDir, 'uv/bin/uv');
  for (const file of ['uv', own]) {
    if ((await runProgram(file, ['--version'])).code === 0) return { file };
  }
  const args = ['-m', 'pip', 'install', '--quiet', '--target', join(devDir, 'uv'), '--upgrade', `uv==${UV_VERSION}`];
  const { code, output } = await runProgram('python3', args);
  if (code === 0) return { file: own };
  return {
    missing: `Install Python 3.11 or newer with pip (apt-get install python3-pip): ${output.split('\n').at(-1)}`,
  };
}

/** uv reads none of pip's configuration: a company's index and certificates are passed on. No interpreter is downloaded. */
async function uvSettings(): Promise<Record<string, string>> {
  const settings: Record<string, string> = {
    UV_PYTHON_DOWNLOADS: 'never',
    UV_HTTP_TIMEOUT: '180',
    UV_LINK_MODE: 'copy',
  };
  for (const [ours, pips] of [
    ['UV_DEFAULT_INDEX', 'global.index-url'],
    ['SSL_CERT_FILE', 'global.cert'],
  ] as const) {
    if (process.env[ours] !== undefined) continue;
    const { code, output } = await runProgram('python3', ['-m', 'pip', 'config', 'get', pips]);
    if (code === 0 && output !== '') settings[ours] = output.trim();
  }
  return settings;
}
