import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { createExperiment, experimentsQuery } from '../api/experiments.ts';
import { useTitle } from '../app/title.ts';
import { LifecycleToggle } from '../components/lifecycle-toggle.tsx';
import { Count, LoadMore } from '../components/load-more.tsx';
import { NameDialog } from '../components/name-dialog.tsx';
import { EmptyState, ErrorNotice, Loading } from '../components/notice.tsx';
import { serverAddress } from './address.ts';
import { ExperimentTable } from './table.tsx';

const route = getRouteApi('/experiments');

export function ExperimentsPage() {
  const { name = '', view, sort = '-last_update_time' } = route.useSearch();
  const navigate = route.useNavigate();
  const [creating, setCreating] = useState(false);
  const deleted = view === 'deleted';
  const orderBy = sort.startsWith('-') ? `${sort.slice(1)} DESC` : `${sort} ASC`;
  const list = useInfiniteQuery(experimentsQuery({ name, deleted, orderBy }));
  const experiments = list.data?.pages.flatMap((page) => page.experiments ?? []) ?? [];
  const change = (part: { name?: string; view?: string; sort?: string }) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true });

  useTitle('Experiments');

  return (
    <div className="page">
      <div className="page-head">
        <h1>Experiments</h1>
        <button type="button" className="button primary" onClick={() => setCreating(true)}>
          New experiment
        </button>
      </div>
      <div className="toolbar">
        <SearchBox value={name} onChange={(text) => change({ name: text })} />
        <LifecycleToggle deleted={deleted} onChange={(next) => change({ view: next })} />
        {list.data && <Count shown={experiments.length} noun="experiment" more={list.hasNextPage} />}
      </div>
      {list.isPending && <Loading what="experiments" />}
      {list.isError && !list.data && <ErrorNotice what="The experiments" error={list.error} retry={list.refetch} />}
      {list.data && experiments.length === 0 && <NoExperiments name={name} deleted={deleted} />}
      {experiments.length > 0 && (
        <ExperimentTable
          experiments={experiments}
          deleted={deleted}
          sort={sort}
          onSort={(next) => change({ sort: next })}
        />
      )}
      <LoadMore pages={list} />
      {creating && (
        <NameDialog
          title="New experiment"
          action="Create"
          save={async (given) => {
            const experimentId = await createExperiment(given);
            await navigate({ to: '/experiments/$experimentId', params: { experimentId } });
          }}
          onClose={() => setCreating(false)}
        />
      )}
    </div>
  );
}

const TYPING_MS = 200;

/** Searches while one types, once the typing pauses. */
function SearchBox({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), TYPING_MS);
    return () => clearTimeout(timer);
  });
  return (
    <input
      type="search"
      className="search"
      aria-label="Search experiments by name"
      placeholder="Search by name"
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}

function NoExperiments({ name, deleted }: { name: string; deleted: boolean }) {
  if (name !== '') return <EmptyState title={`No ${deleted ? 'deleted ' : ''}experiment has “${name}” in its name`} />;
  if (deleted) return <EmptyState title="Nothing is deleted" />;
  return (
    <EmptyState
      title="No experiments yet"
      code={`import mlflow\nmlflow.set_tracking_uri("${serverAddress()}")\nmlflow.create_experiment("my-first-experiment")`}
    >
      <p>Create one here, or from code:</p>
    </EmptyState>
  );
}
