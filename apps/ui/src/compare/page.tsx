import { useQueries, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { experimentQuery } from '../api/experiments.ts';
import type { Run } from '../api/run.ts';
import { runQuery } from '../api/runs.ts';
import { useTitle } from '../app/title.ts';
import { splitList } from '../app/url.ts';
import { seriesColor } from '../charts/colors.ts';
import { MetricPanel } from '../charts/metric-panel.tsx';
import { EmptyState, ErrorNotice, Loading } from '../components/notice.tsx';
import { Segmented } from '../components/segmented.tsx';
import { Status } from '../components/status.tsx';
import { Duration, RelativeTime } from '../components/time.tsx';
import { formatNumber } from '../format/number.ts';
import { byName } from '../format/order.ts';
import { comparedValue, compareKeys, type Part } from './differences.ts';

const route = getRouteApi('/compare');
const SHOWN = [
  { value: 'differences', label: 'Differences' },
  { value: 'all', label: 'All' },
] as const;
/** One answer of the history API holds this many runs. */
const MOST_RUNS = 100;
const MOST_CHARTS = 12;

export function ComparePage() {
  const { runs: list, show } = route.useSearch();
  const navigate = route.useNavigate();
  const ids = [...new Set(splitList(list))].slice(0, MOST_RUNS);
  const answers = useQueries({ queries: ids.map(runQuery) });
  const all = show === 'all';

  useTitle('Compare runs');

  const failed = answers.find((answer) => answer.isError && !answer.data);
  const runs = answers.flatMap((answer) => answer.data ?? []);
  if (ids.length === 0) {
    return (
      <EmptyState title="No runs to compare">
        <p>
          Select two or more runs of an <Link to="/experiments">experiment</Link>, then press Compare.
        </p>
      </EmptyState>
    );
  }
  return (
    <div className="page">
      <Breadcrumb runs={runs} />
      <div className="page-head">
        <h1>Compare {ids.length} runs</h1>
      </div>
      {failed && <ErrorNotice what="One of the runs" error={failed.error} retry={failed.refetch} />}
      {!failed && runs.length < ids.length && <Loading what="the runs" />}
      {runs.length === ids.length && (
        <>
          <div className="toolbar">
            <Segmented
              label="Rows"
              options={SHOWN}
              value={all ? 'all' : 'differences'}
              onChange={(value) =>
                navigate({ search: (now) => ({ ...now, show: value === 'all' ? value : '' }), replace: true })
              }
            />
          </div>
          <CompareTable runs={runs} all={all} />
          <Charts runs={runs} />
        </>
      )}
    </div>
  );
}

/** Leads back to the experiment where all the runs are of one. */
function Breadcrumb({ runs }: { runs: readonly Run[] }) {
  const ids = new Set(runs.map((run) => run.experimentId));
  const [experimentId = ''] = ids;
  const experiment = useQuery({ ...experimentQuery(experimentId), enabled: ids.size === 1 });
  return (
    <nav aria-label="Breadcrumb" className="breadcrumb">
      <Link to="/experiments">Experiments</Link>
      {ids.size === 1 && (
        <>
          <span aria-hidden="true">/</span>
          <Link to="/experiments/$experimentId" params={{ experimentId }}>
            {experiment.data?.name ?? experimentId}
          </Link>
        </>
      )}
    </nav>
  );
}

function CompareTable({ runs, all }: { runs: readonly Run[]; all: boolean }) {
  return (
    <div className="table-frame">
      <table className="grid compare">
        <caption className="visually-hidden">Runs side by side</caption>
        <thead>
          <tr>
            <td />
            {runs.map((run, i) => (
              <th key={run.id} scope="col">
                <span className="dot" aria-hidden="true" style={{ background: `var(${seriesColor(i)})` }} />
                <Link
                  to="/experiments/$experimentId/runs/$runId"
                  params={{ experimentId: run.experimentId, runId: run.id }}
                >
                  {run.name}
                </Link>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">Status</th>
            {runs.map((run) => (
              <td key={run.id}>
                <Status status={run.status} />
              </td>
            ))}
          </tr>
          <tr>
            <th scope="row">Started</th>
            {runs.map((run) => (
              <td key={run.id}>
                <RelativeTime time={run.startTime} />
              </td>
            ))}
          </tr>
          <tr>
            <th scope="row">Duration</th>
            {runs.map((run) => (
              <td key={run.id}>
                <Duration start={run.startTime} end={run.endTime} running={run.status === 'RUNNING'} />
              </td>
            ))}
          </tr>
        </tbody>
        <PartRows runs={runs} part="metrics" title="Metrics" all={all} />
        <PartRows runs={runs} part="params" title="Params" all={all} />
      </table>
    </div>
  );
}

function PartRows({ runs, part, title, all }: { runs: readonly Run[]; part: Part; title: string; all: boolean }) {
  const compared = compareKeys(runs, part);
  const shown = compared.filter(({ differs }) => all || differs);
  const hidden = compared.length - shown.length;
  return (
    <tbody>
      <tr className="part-row">
        <th scope="rowgroup" colSpan={runs.length + 1}>
          {title} {hidden > 0 && <span className="faint">{hidden} the same</span>}
        </th>
      </tr>
      {shown.map(({ key, differs }) => (
        <tr key={key} className={differs && all ? 'differs' : undefined}>
          <th scope="row">{key}</th>
          {runs.map((run) => {
            const value = comparedValue(run, part, key);
            return (
              <td key={run.id} title={value === undefined ? undefined : String(value)}>
                {typeof value === 'number' ? formatNumber(value) : (value ?? <span className="faint">–</span>)}
              </td>
            );
          })}
        </tr>
      ))}
    </tbody>
  );
}

function Charts({ runs }: { runs: readonly Run[] }) {
  const keys = useMemo(() => {
    const stepped = runs.flatMap((run) => [...run.metrics].filter(([, metric]) => metric.step > 0).map(([key]) => key));
    return [...new Set(stepped)].sort(byName).slice(0, MOST_CHARTS);
  }, [runs]);
  if (keys.length === 0) return null;
  return (
    <section aria-label="Charts" className="panels">
      {keys.map((key) => (
        <MetricPanel key={key} metric={key} runs={runs} x="step" scale="linear" />
      ))}
    </section>
  );
}
