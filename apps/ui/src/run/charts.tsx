import { useQueries } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { historyQuery, historyStamp } from '../api/metrics.ts';
import type { Run } from '../api/run.ts';
import { MetricPanel } from '../charts/metric-panel.tsx';
import { EmptyState } from '../components/notice.tsx';
import { Segmented } from '../components/segmented.tsx';
import { byName } from '../format/order.ts';

const route = getRouteApi('/experiments/$experimentId/runs/$runId');
const AXES = [
  { value: 'step', label: 'Step' },
  { value: 'time', label: 'Time' },
] as const;
const SCALES = [
  { value: 'linear', label: 'Linear' },
  { value: 'log', label: 'Log' },
] as const;
const SEARCH_FROM = 8;
/** Metrics on step 0 whose history is looked at for more than one point. */
const MOST_PROBED = 24;

export function RunCharts({ run }: { run: Run }) {
  const { x = 'step', scale = 'linear', find = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: { x?: string; scale?: string; find?: string }) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true });
  const charted = useChartable(run);
  const wanted = find.trim().toLowerCase();
  const keys = charted.filter((key) => key.toLowerCase().includes(wanted));
  const alone = run.metrics.size - charted.length;
  const runs = useMemo(() => [run], [run]);

  if (charted.length === 0) {
    return (
      <EmptyState
        title="Nothing to draw yet"
        code={`import mlflow\nwith mlflow.start_run(run_id="${run.id}"):\n    for step in range(100): mlflow.log_metric("loss", 1 / (step + 1), step=step)`}
      >
        <p>Metrics that are logged over several steps are drawn here, live.</p>
      </EmptyState>
    );
  }
  return (
    <>
      <div className="toolbar">
        {charted.length >= SEARCH_FROM && (
          <input
            type="search"
            className="search"
            aria-label="Find a chart"
            placeholder="Find a chart"
            value={find}
            onChange={(event) => change({ find: event.target.value })}
          />
        )}
        <Segmented
          label="Horizontal axis"
          options={AXES}
          value={x === 'time' ? 'time' : 'step'}
          onChange={(value) => change({ x: value === 'time' ? value : '' })}
        />
        <Segmented
          label="Vertical scale"
          options={SCALES}
          value={scale === 'log' ? 'log' : 'linear'}
          onChange={(value) => change({ scale: value === 'log' ? value : '' })}
        />
        {alone > 0 && (
          <p className="count">
            {alone} {alone === 1 ? 'metric has' : 'metrics have'} a single value, in the overview
          </p>
        )}
      </div>
      <div className="panels">
        {keys.map((key) => (
          <MetricPanel
            key={key}
            metric={key}
            runs={runs}
            x={x === 'time' ? 'time' : 'step'}
            scale={scale === 'log' ? 'log' : 'linear'}
          />
        ))}
      </div>
    </>
  );
}

/** Metrics with more than one point, by name, the machine's own after the run's. Past step 0 there has been another. */
function useChartable(run: Run): string[] {
  const sorted = [...run.metrics.keys()].sort(systemLast);
  const unsure = sorted.filter((key) => run.metrics.get(key)?.step === 0).slice(0, MOST_PROBED);
  const probes = useQueries({
    queries: unsure.map((key) => historyQuery([run.id], key, historyStamp([run.metrics.get(key)]))),
  });
  const several = new Set(unsure.filter((_, i) => (probes[i]?.data?.get(run.id)?.length ?? 0) > 1));
  return sorted.filter((key) => run.metrics.get(key)?.step !== 0 || several.has(key));
}

function systemLast(a: string, b: string): number {
  const rank = (key: string) => Number(key.startsWith('system/'));
  return rank(a) - rank(b) || byName(a, b);
}
