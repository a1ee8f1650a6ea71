import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { historyQuery, historyStamp } from '../api/metrics.ts';
import type { Metric, Run } from '../api/run.ts';
import { explain } from '../components/notice.tsx';
import { formatNumber } from '../format/number.ts';
import { alignHistories, axisFor, type Scale, type XAxis } from './align.ts';
import { seriesColor } from './colors.ts';
import { LineChart, type Reading } from './line-chart.tsx';

interface Props {
  metric: string;
  runs: readonly Run[];
  x: XAxis;
  scale: Scale;
}

const NO_POINTS: readonly Metric[] = [];

/**
 * One metric of one or more runs over time. Only while it is on the screen is it drawn, and are its points read; a run may have a
 * thousand metrics.
 */
export function MetricPanel({ metric, runs, x, scale }: Props) {
  const panel = useRef<HTMLElement>(null);
  const visible = useOnScreen(panel);
  const [reading, setReading] = useState<Reading | undefined>();
  const shown = runs.filter((run) => run.metrics.has(metric));
  const stamp = historyStamp(shown.map((run) => run.metrics.get(metric)));
  const query = historyQuery(
    shown.map((run) => run.id),
    metric,
    stamp,
  );
  const history = useQuery({ ...query, enabled: visible });
  const ids = shown.map((run) => run.id).join();
  const chart = useMemo(() => {
    const lines = ids.split(',').map((id) => history.data?.get(id) ?? NO_POINTS);
    const axis = axisFor(lines, x);
    return { axis, data: alignHistories(lines, axis, scale) };
  }, [history.data, ids, x, scale]);
  const lines = shown.map((run) => ({ name: run.name, color: seriesColor(runs.indexOf(run)) }));
  return (
    <figure ref={panel} className="panel">
      <figcaption>
        <h3 title={metric}>{metric}</h3>
        <span className="reading">
          {reading ? describe(reading, lines.length > 1, chart.axis) : atRest(shown, metric)}
        </span>
      </figcaption>
      {history.isError && !history.data && (
        <p className="field-error">The history could not be loaded: {explain(history.error)}</p>
      )}
      <div className="chart-place">
        {visible && history.data !== undefined && (
          <LineChart
            lines={lines}
            data={chart.data}
            x={chart.axis}
            scale={scale}
            label={`Chart of ${metric}: ${shown.length} ${shown.length === 1 ? 'run' : 'runs'}, ${chart.data[0].length} points`}
            onRead={setReading}
          />
        )}
      </div>
    </figure>
  );
}

function describe(reading: Reading, withName: boolean, axis: XAxis): string {
  const at = axis === 'step' ? `step ${reading.x}` : reading.x;
  return [reading.y, at, ...(withName ? [reading.line] : [])].join(' · ');
}

function atRest(runs: readonly Run[], metric: string): string {
  const only = runs.length === 1 ? runs[0]?.metrics.get(metric) : undefined;
  return only === undefined ? '' : formatNumber(only.value);
}

function useOnScreen(ref: React.RefObject<HTMLElement | null>): boolean {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    if (ref.current === null) return;
    const observer = new IntersectionObserver(([entry]) => setVisible(entry?.isIntersecting ?? false), {
      rootMargin: '200px',
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref]);
  return visible;
}
