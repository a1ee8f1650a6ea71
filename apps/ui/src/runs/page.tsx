import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { experimentQuery } from '../api/experiments.ts';
import { ApiError } from '../api/request.ts';
import { runFromWire } from '../api/run.ts';
import { runsQuery } from '../api/runs.ts';
import { splitList } from '../app/url.ts';
import { EmptyState, ErrorNotice, Loading } from '../components/notice.tsx';
import { Segmented } from '../components/segmented.tsx';
import { serverAddress } from '../experiments/address.ts';
import { SelectionBar } from './actions.tsx';
import { RunCharts, useChartedRuns } from './charts.tsx';
import { ColumnPicker } from './column-picker.tsx';
import { autoColumns, catalogOf, isColumn } from './columns.ts';
import { FilterBox } from './filter-box.tsx';
import { ExperimentHead } from './head.tsx';
import { RunTable } from './table.tsx';
import { flatRows, treeRows, uniqueRuns } from './tree.ts';

const route = getRouteApi('/experiments/$experimentId');
const VIEWS = [
  { value: 'active', label: 'Active' },
  { value: 'deleted', label: 'Deleted' },
] as const;
const BY_START = '-start_time';

export function RunsPage() {
  const { experimentId } = route.useParams();
  const search = route.useSearch();
  const { filter = '', sort = BY_START } = search;
  const deleted = search.view === 'deleted';
  const navigate = route.useNavigate();
  const change = (part: Partial<Record<'filter' | 'sort' | 'view' | 'cols' | 'charts', string>>) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true });

  const experiment = useQuery(experimentQuery(experimentId));
  const list = useInfiniteQuery(runsQuery({ experimentId, filter, sort, deleted }));
  const runs = useMemo(
    () => uniqueRuns((list.data?.pages ?? []).flatMap((page) => page.runs ?? []).map(runFromWire)),
    [list.data],
  );
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const catalog = useMemo(() => catalogOf(runs), [runs]);
  const chosen = splitList(search.cols).filter(isColumn);
  const columns = chosen.length > 0 ? chosen : autoColumns(runs, catalog);
  const rows = useMemo(
    () => (sort === BY_START || sort === 'start_time' ? treeRows(runs, collapsed) : flatRows(runs)),
    [runs, collapsed, sort],
  );
  const selectedRuns = runs.filter((run) => selected.has(run.id));
  const charts = search.charts === '1';
  const charted = useChartedRuns(rows, selectedRuns, charts);

  useEffect(() => {
    document.title = `${experiment.data?.name ?? 'Experiment'} · Millrace`;
  }, [experiment.data?.name]);

  if (experiment.isError && !experiment.data) {
    return <ErrorNotice what={`The experiment ${experimentId}`} error={experiment.error} retry={experiment.refetch} />;
  }
  const refused = list.error instanceof ApiError && list.error.status === 400 && filter !== '' ? list.error : undefined;
  return (
    <div className="page">
      <ExperimentHead experiment={experiment.data} />
      <div className="toolbar">
        <FilterBox value={filter} error={refused?.message} onChange={(text) => change({ filter: text })} />
        <Segmented
          label="State"
          options={VIEWS}
          value={deleted ? 'deleted' : 'active'}
          onChange={(value) => {
            setSelected(new Set());
            change({ view: value === 'deleted' ? value : '' });
          }}
        />
        <button
          type="button"
          className="button"
          aria-pressed={charts}
          onClick={() => change({ charts: charts ? '' : '1' })}
        >
          Charts
        </button>
        <ColumnPicker
          catalog={catalog}
          columns={columns}
          automatic={chosen.length === 0}
          onChange={(next) => change({ cols: next.join(',') })}
        />
      </div>
      <div className="toolbar second">
        <p className="count" role="status">
          {list.data &&
            `${list.hasNextPage ? `the first ${runs.length}` : runs.length} run${runs.length === 1 ? '' : 's'}`}
        </p>
        <SelectionBar runs={selectedRuns} deleted={deleted} onDone={() => setSelected(new Set())} />
      </div>
      {list.isPending && <Loading what="runs" />}
      {list.isError && !list.data && refused === undefined && (
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
          onSort={(next) => change({ sort: next === BY_START ? '' : next })}
          selected={selected}
          onSelect={setSelected}
          collapsed={collapsed}
          onCollapse={setCollapsed}
          charted={charted}
          stale={list.isPlaceholderData}
        />
      )}
      {list.hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={list.isFetchingNextPage}
          onClick={() => list.fetchNextPage()}
        >
          {list.isFetchingNextPage ? 'Loading …' : 'Load more'}
        </button>
      )}
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
