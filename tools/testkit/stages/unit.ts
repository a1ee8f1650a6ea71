import type { StageResult } from '../result.ts';
import { runVitest } from './vitest.ts';

/** The tests beside the code. `filters` are parts of file names. */
export function runUnit(filters: readonly string[]): Promise<StageResult> {
  return runVitest(['--exclude', 'tools/tidy/**', ...filters]);
}
