import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../paths.ts';
import { parseSummary, type StageResult, single } from '../result.ts';
import { runProgram } from '../run-program.ts';

const suites = join(root, 'acceptance/run.ts');

/** The black-box suites, a program of their own that ends with the same last line as this one. */
export async function runAcceptance(filters: readonly string[]): Promise<StageResult> {
  if (!existsSync(suites)) return single('acceptance/run.ts is missing', false);
  const args = ['--disable-warning=ExperimentalWarning', suites, ...filters];
  const { code, output } = await runProgram(process.execPath, args, { show: true });
  return parseSummary('acceptance', output, code);
}
