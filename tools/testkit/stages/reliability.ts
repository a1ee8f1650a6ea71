import type { StageResult } from '../result.ts';
import { runVitest } from './vitest.ts';

/** What the server promises when things go wrong. `MILLRACE_TEST_ROUNDS=20` runs the long form. */
export function runReliability(filters: readonly string[]): Promise<StageResult> {
  return runVitest(['--config', 'acceptance/reliability/vitest.config.ts', ...filters]);
}
