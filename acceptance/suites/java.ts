import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { venvBin } from '@millrace/tools/testkit';
import { clientEnvironment, type Outcome, type Suite, whole } from './outcome.ts';
import { execute, lastLines } from './program.ts';

const folder = join(import.meta.dirname, '../java');
const source = join(folder, 'src/main/java/acceptance/Main.java');
const archive = join(folder, 'target/java-client.jar');

/** A program on the real Java client, which Maven fetches when it is first built. */
export const javaSuite: Suite = {
  name: 'java',
  on: { sqlite: 'all', postgres: 'all' },
  async run(target) {
    const problem = await build();
    if (problem !== undefined) return whole('skipped', problem);
    const env = {
      ...clientEnvironment(target),
      // The Java client leaves artifacts of `mlflow-artifacts:` to a Python one.
      MLFLOW_PYTHON_EXECUTABLE: venvBin('mlflow3', 'python'),
      MLFLOW_DISABLE_TELEMETRY: 'true',
    };
    const classPath = `${archive}:${join(folder, 'target/lib/*')}`;
    const { code, output } = await execute('java', ['-cp', classPath, 'acceptance.Main'], {
      cwd: folder,
      env,
      minutes: 5,
    });
    const outcomes = output.split('\n').flatMap(parse);
    if (code === 0 || outcomes.some(({ outcome }) => outcome === 'failed')) return outcomes;
    return [...outcomes, ...whole('failed', `java ended with exit status ${code}:\n${lastLines(output)}`)];
  },
};

function parse(line: string): Outcome[] {
  const match = /^(passed|failed) ([^:]+)(?:: (.*))?$/.exec(line);
  if (match === null) return [];
  return [{ test: match[2] ?? '', outcome: match[1] as 'passed' | 'failed', message: match[3] ?? '' }];
}

/** Builds what is stale; returns why it can't. */
async function build(): Promise<string | undefined> {
  if (existsSync(archive) && statSync(archive).mtimeMs > statSync(source).mtimeMs) return undefined;
  const { code, output } = await execute('mvn', ['-q', '-B', 'package'], { cwd: folder, minutes: 8 });
  if (code === 0) return undefined;
  return code === null
    ? 'Maven is not installed (apt-get install maven)'
    : `Maven could not build it:\n${lastLines(output, 5)}`;
}
