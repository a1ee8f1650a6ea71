import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { experimentQuery } from '../api/experiments.ts';
import { useTitle } from '../app/title.ts';
import { Count, LoadMore } from '../components/load-more.tsx';
import { EmptyState, ErrorNotice, Loading } from '../components/notice.tsx';
import { serverAddress } from '../experiments/address.ts';
import { SelectionBar } from './actions.tsx';
import { RunCharts, useChartedRuns } from './charts.tsx';
import { ExperimentHead } from './head.tsx';
import { RunTable } from './table.tsx';
import { type RunsSearch, RunsToolbar } from './toolbar.tsx';
import { flatRows, treeRows } from './tree.ts';
import { useRunList } from './use-run-list.ts';

const route = getRouteApi('/experiments/$experimentId');
const NEWEST_FIRST = '-start_time';
const NONE: ReadonlySet<string> = new Set();

export function RunsPage() {
  const { experimentId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { filter = '', sort = NEWEST_FIRST } = search;
  const deleted = search.view === 'deleted';
  const experiment = useQuery(experimentQuery(experimentId));
  const found = useRunList({ experimentId, filter, sort, deleted }, search.cols);
  const { list, runs, columns, refusal } = found;

  const [selected, setSelected] = useState(NONE);
  const [collapsed, setCollapsed] = useState(NONE);
  const rows = useMemo(
    () => (sort.replace('-', '') === 'start_time' ? treeRows(runs, collapsed) : flatRows(runs)),
    [runs, collapsed, sort],
  );
  const selectedRuns = runs.filter((run) => selected.has(run.id));
  const charts = search.charts === '1';
  const charted = useChartedRuns(rows, selectedRuns, charts);
  const change = (part: RunsSearch) => {
    if (part.view !== undefined) setSelected(NONE);
    navigate({ search: (now) => ({ ...now, ...part }), replace: true });
  };

  useTitle(experiment.data?.name ?? 'Experiment');

  if (experiment.isError && !experiment.data) {
    return <ErrorNotice what={`The experiment ${experimentId}`} error={experiment.error} retry={experiment.refetch} />;
  }
  return (
    <div className="page">
      <ExperimentHead experiment={experiment.data} />
      <RunsToolbar search={search} refusal={refusal} catalog={found.catalog} columns={columns} onChange={change} />
      <div className="toolbar second">
        {list.data && <Count shown={runs.length} noun="run" more={list.hasNextPage} />}
        <SelectionBar runs={selectedRuns} deleted={deleted} onDone={() => setSelected(NONE)} />
      </div>
      {list.isPending && <Loading what="runs" />}
      {list.isError && !list.data && refusal === undefined && (
        <ErrorNotice what="The runs" error={list.error} retry={list.refetch} />
      )}
      {list.data && runs.length === 0 && (
        <NoRuns name={experiment.data?.name ?? ''} filter={filter} deleted={deleted} />
      )}
      {charts && runs.length > 0 && <RunCharts runs={charted} columns={columns} />}
      {runs.length > 0 && (
        <RunTable
          rows={rows}
          columns={columns}
          sort={sort}
          onSort={(next) => change({ sort: next === NEWEST_FIRST ? '' : next })}
          selected={selected}
          onSelect={setSelected}
          collapsed={collapsed}
          onCollapse={setCollapsed}
          charted={charted}
          stale={list.isPlaceholderData}
        />
      )}
      <LoadMore pages={list} />
    </div>
  );
}

function NoRuns({ name, filter, deleted }: { name: string; filter: string; deleted: boolean }) {
  if (filter !== '') return <EmptyState title="No run matches the filter" />;
  if (deleted) return <EmptyState title="No run is deleted" />;
  const code = [
    'import mlflow',
    `mlflow.set_tracking_uri("${serverAddress()}")`,
    `mlflow.set_experiment(${JSON.stringify(name)})`,
    'mlflow.log_metric("loss", 0.5)',
  ].join('\n');
  return (
    <EmptyState title="No runs yet" code={code}>
      <p>They appear here as soon as your code logs one:</p>
    </EmptyState>
  );
}
