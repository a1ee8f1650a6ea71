import { type Run, runFromWire } from '../api/run.ts';

/** A run for tests of pure functions. */
export function aRun(
  id: string,
  {
    metrics = {},
    params = {},
    tags = {},
  }: Partial<Record<'params' | 'tags', Record<string, string>>> & { metrics?: Record<string, number> } = {},
): Run {
  const pairs = (record: Record<string, string>) => Object.entries(record).map(([key, value]) => ({ key, value }));
  return runFromWire({
    info: { run_id: id, experiment_id: '1', status: 'FINISHED' },
    data: {
      metrics: Object.entries(metrics).map(([key, value]) => ({ key, value })),
      params: pairs(params),
      tags: pairs(tags),
    },
  });
}
