import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { type MlflowEnvironment, mlflowVersions, tempDir, venvBin } from '@millrace/tools/testkit';
import { clientEnvironment, type Outcome, type Suite, whole } from './outcome.ts';
import { execute, lastLines } from './program.ts';

interface PytestOptions {
  readonly on: Suite['on'];
  readonly files: readonly string[];
  /** The files that run where only a smoke test is asked for. */
  readonly smoke?: readonly string[];
}

const folder = join(import.meta.dirname, '../python');

/** Files of `acceptance/python` in one process, with one version of the real client. */
export function pytestSuite(name: string, client: MlflowEnvironment, options: PytestOptions): Suite {
  const { on, files, smoke = files } = options;
  return {
    name,
    on,
    run: (target, extent) =>
      runPytest(
        client,
        (extent === 'all' ? files : smoke).map((file) => join(folder, file)),
        clientEnvironment(target),
      ),
  };
}

/** Runs test files that use the fixtures of `acceptance/python`, wherever they lie. */
export async function runPytest(
  client: MlflowEnvironment,
  files: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Outcome[]> {
  const python = venvBin(client, 'python');
  if (!existsSync(python)) return whole('skipped', `mlflow ${mlflowVersions[client]} is not installed here`);
  const cwd = tempDir('pytest');
  const report = join(cwd, 'report.jsonl');
  const rootdir = dirname(files[0] ?? folder);
  const args = ['-m', 'pytest', '-q', '-c', join(folder, 'pytest.ini'), '--rootdir', rootdir, '-p', 'conftest'];
  const { code, output } = await execute(python, [...args, ...files], {
    cwd,
    minutes: 15,
    env: {
      ...env,
      PATH: [join(python, '..'), process.env.PATH].join(delimiter),
      PYTHONPATH: folder,
      PYTHONDONTWRITEBYTECODE: '1',
      ACCEPTANCE_REPORT: report,
    },
  });
  const outcomes = existsSync(report) ? read(report) : [];
  // 0: all passed, 1: some failed. Anything else, and the report is not the whole of it.
  if (code === 0 || (code === 1 && outcomes.some(({ outcome }) => outcome === 'failed'))) return outcomes;
  return [...outcomes, ...whole('failed', `pytest ended with exit status ${code}:\n${lastLines(output)}`)];
}

function read(report: string): Outcome[] {
  const lines = readFileSync(report, 'utf8').trimEnd().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Outcome);
}
