import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, tempDir } from '@millrace/tools/testkit';
import { clientEnvironment, type Outcome, type Suite, whole } from './outcome.ts';
import { execute, lastLines } from './program.ts';

/** What is read of Vitest's JSON report. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** The suites over plain HTTP. */
export const httpSuite: Suite = {
  name: 'http',
  on: { sqlite: 'all', postgres: 'all' },
  run: (target) => runVitest(join(import.meta.dirname, '../vitest.config.ts'), clientEnvironment(target)),
};

/** Runs the tests that a Vitest configuration includes. */
export async function runVitest(config: string, env: NodeJS.ProcessEnv): Promise<Outcome[]> {
  const file = join(tempDir('vitest'), 'report.json');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--config', config, '--reporter=json', `--outputFile=${file}`];
  const { code, output } = await execute(process.execPath, args, { cwd: root, env, minutes: 15 });
  const outcomes = existsSync(file) ? read(file) : [];
  if (code === 0 || outcomes.some(({ outcome }) => outcome === 'failed')) return outcomes;
  return [...outcomes, ...whole('failed', `Vitest ended with exit status ${code}:\n${lastLines(output)}`)];
}

function read(file: string): Outcome[] {
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  return testResults.flatMap(({ name, message = '', assertionResults }): Outcome[] => {
    if (assertionResults.length === 0) return [{ test: name, outcome: 'failed', message }];
    return assertionResults.map(({ fullName, status, failureMessages = [] }) => ({
      // The seed of a run is no part of the test's name.
      test: fullName.replace(/ \(seed \d+\)$/, ''),
      outcome: status === 'passed' || status === 'failed' ? status : 'skipped',
      message: failureMessages.join('\n').split('\n    at ')[0] ?? '',
    }));
  });
}
