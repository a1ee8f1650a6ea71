import { queryOptions } from '@tanstack/react-query';
import { get } from './request.ts';
import { type Metric, metricFromWire } from './run.ts';
import type { WireMetric } from './wire.ts';

/** Points per line: a few per pixel of a panel. */
export const SAMPLES = 400;

export type Histories = ReadonlyMap<string, readonly Metric[]>;

/**
 * The sampled history of one metric for up to 100 runs. `stamp` is whatever changes when a run logs: the history is read again
 * only then, and the previous lines stay until the new ones are there.
 */
export function historyQuery(runIds: readonly string[], key: string, stamp: string) {
  return queryOptions({
    queryKey: ['history', runIds, key, stamp],
    queryFn: async ({ signal }) => {
      const query = { run_ids: runIds, metric_key: key, max_results: SAMPLES };
      return get<{ metrics?: WireMetric[] }>('metrics/get-history-bulk-interval', query, signal);
    },
    select: byRun,
    staleTime: Infinity,
    gcTime: 30_000,
    placeholderData: (previous) => previous,
  });
}

function byRun({ metrics = [] }: { metrics?: WireMetric[] }): Histories {
  const histories = new Map<string, Metric[]>();
  for (const metric of metrics) {
    const runId = metric.run_id ?? '';
    const history = histories.get(runId);
    if (history === undefined) histories.set(runId, [metricFromWire(metric)]);
    else history.push(metricFromWire(metric));
  }
  return histories;
}

/** Changes when any of the runs logs the metric again. */
export function historyStamp(metrics: readonly (Metric | undefined)[]): string {
  return metrics.map((metric) => (metric ? `${metric.step}:${metric.timestamp}:${metric.value}` : '')).join(' ');
}
