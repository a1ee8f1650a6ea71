/** Long past, so that a clock is no part of the work; steps and keys tell the values apart. */
export const TIME = 1_767_225_600_000;
export const EXPERIMENT = 'bench';
export const HISTORY_KEY = 'loss';

export interface SeededRun {
  name: string;
  startTime: number;
  endTime: number;
  params: { key: string; value: string }[];
  metrics: { key: string; value: number }[];
  tags: { key: string; value: string }[];
}

/**
 * Run number `index` of `count`, the same on both sides (seed_mlflow.py knows this too). `score` is a different value of
 * 0, 1/count, … for each run, in no order of time; `loss` is below 0.1 for every tenth run.
 */
export function seededRun(index: number, count: number): SeededRun {
  const startTime = TIME + index * 1000;
  const loss = ((index * 37) % 100) / 100;
  return {
    name: `run-${index}`,
    startTime,
    endTime: startTime + 500,
    params: Array.from({ length: 5 }, (_, k) => ({ key: `p${k}`, value: String((index * (k + 1)) % 100) })),
    metrics: [
      { key: 'score', value: ((index * 7919) % count) / count },
      { key: 'loss', value: loss },
      { key: 'accuracy', value: 1 - loss },
      { key: 'rate', value: 0.001 * (1 + (index % 10)) },
      { key: 'epochs', value: index % 50 },
    ],
    tags: [
      { key: 'mlflow.user', value: `user${index % 5}` },
      { key: 'mlflow.source.name', value: 'train.py' },
    ],
  };
}

/** Selects exactly ten of `count` seeded runs. */
export function fewRunsFilter(count: number): string {
  return `metrics.score > ${(count - 10.5) / count}`;
}

/** Selects every tenth run. */
export const TENTH_FILTER = 'metrics.loss < 0.095';

/** A falling curve with some noise, so that values differ and look like training. */
export function historyValue(step: number): number {
  return 1 / (1 + step / 1000) + ((step * 7919) % 1000) / 100_000;
}
