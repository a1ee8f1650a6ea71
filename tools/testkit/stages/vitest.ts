import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../paths.ts';
import { none, type StageResult, single } from '../result.ts';
import { runProgram } from '../run-program.ts';
import { tempDir } from '../temp-dir.ts';

/** What is read of Vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: 'passed' | 'failed';
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Runs Vitest with these arguments and reads what it found. */
export async function runVitest(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StageResult> {
  const file = join(tempDir('vitest'), 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { code } = await runProgram(process.execPath, [vitest, 'run', ...reporters, ...args], { show: true, env });
  const report = read(file);
  if (report === undefined) return single(`Vitest ended (exit status ${code}) without a report`, false);

  const tests = report.testResults.flatMap((testFile) => testFile.assertionResults);
  const failures = [
    ...tests.filter((test) => test.status === 'failed').map((test) => test.fullName),
    ...report.testResults.filter((f) => f.status === 'failed' && !f.assertionResults.some(isFailed)).map((f) => f.name),
  ];
  if (code !== 0 && failures.length === 0) failures.push(`Vitest ended with exit status ${code}: see above`);
  const skips = tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName);
  return { ...none, passed: report.numPassedTests, failed: failures.length, failures, skipped: skips.length, skips };
}

const isFailed = (test: { readonly status: string }): boolean => test.status === 'failed';

function read(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}
