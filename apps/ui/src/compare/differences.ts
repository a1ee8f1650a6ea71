import type { Run } from '../api/run.ts';
import { byName } from '../format/order.ts';

export type Part = 'params' | 'metrics';

export interface ComparedKey {
  key: string;
  differs: boolean;
}

/** Every key that one of the runs has, by name, and whether the runs differ in it. A key that one lacks is a difference. */
export function compareKeys(runs: readonly Run[], part: Part): ComparedKey[] {
  const keys = [...new Set(runs.flatMap((run) => [...run[part].keys()]))];
  return keys.sort(byName).map((key) => {
    const first = comparedValue(runs[0], part, key);
    return { key, differs: runs.some((run) => !Object.is(comparedValue(run, part, key), first)) };
  });
}

export function comparedValue(run: Run | undefined, part: Part, key: string): string | number | undefined {
  return part === 'params' ? run?.params.get(key) : run?.metrics.get(key)?.value;
}
