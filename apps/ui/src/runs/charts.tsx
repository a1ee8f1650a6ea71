import { lazy, Suspense, useMemo } from 'react';
import type { Run } from '../api/run.ts';
import { columnKey, columnKind } from './columns.ts';
import type { Row } from './tree.ts';

const MetricPanel = lazy(() =>
  import('../charts/metric-panel.tsx').then((module) => ({ default: module.MetricPanel })),
);
const MOST_RUNS = 10;

/** The selected runs, or else the first on the page. The list keeps its identity while its runs keep theirs. */
export function useChartedRuns(rows: readonly Row[], selected: readonly Run[], on: boolean): readonly Run[] {
  const runs = (selected.length > 0 ? [...selected] : rows.map((row) => row.run)).slice(0, MOST_RUNS);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the runs themselves are what the list depends on
  return useMemo(() => (on ? runs : []), [on, ...padded(runs)]);
}

function padded(runs: readonly Run[]): (Run | undefined)[] {
  return Array.from({ length: MOST_RUNS }, (_, i) => runs[i]);
}

/** The metric columns as lines, one panel each. */
export function RunCharts({ runs, columns }: { runs: readonly Run[]; columns: readonly string[] }) {
  const keys = columns.filter((column) => columnKind(column) === 'metrics').map(columnKey);
  const withSteps = keys.filter((key) => runs.some((run) => (run.metrics.get(key)?.step ?? 0) > 0));
  if (withSteps.length === 0) return <p className="faint">None of the metrics shown was logged over several steps.</p>;
  return (
    <Suspense fallback={<p className="loading">Loading charts …</p>}>
      <div className="panels strip">
        {withSteps.map((key) => (
          <MetricPanel key={key} metric={key} runs={runs} x="step" scale="linear" />
        ))}
      </div>
    </Suspense>
  );
}
