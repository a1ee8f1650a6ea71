import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { experimentQuery } from '../api/experiments.ts';
import { runQuery } from '../api/runs.ts';
import { useTitle } from '../app/title.ts';
import { ArtifactBrowser } from '../artifacts/browser.tsx';
import { ErrorNotice, Loading } from '../components/notice.tsx';
import { RunCharts } from './charts.tsx';
import { RunHead } from './head.tsx';
import { Overview } from './overview.tsx';

const route = getRouteApi('/experiments/$experimentId/runs/$runId');
const TABS = [
  { tab: undefined, label: 'Overview' },
  { tab: 'charts', label: 'Charts' },
  { tab: 'artifacts', label: 'Artifacts' },
] as const;

export function RunPage() {
  const { experimentId, runId } = route.useParams();
  const { tab, path = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const run = useQuery(runQuery(runId));
  const experiment = useQuery(experimentQuery(experimentId));

  useTitle(run.data?.name ?? 'Run');

  if (run.isError && !run.data) {
    return <ErrorNotice what={`The run ${runId}`} error={run.error} retry={run.refetch} />;
  }
  return (
    <div className="page">
      <nav aria-label="Breadcrumb" className="breadcrumb">
        <Link to="/experiments">Experiments</Link>
        <span aria-hidden="true">/</span>
        <Link to="/experiments/$experimentId" params={{ experimentId }}>
          {experiment.data?.name ?? experimentId}
        </Link>
      </nav>
      {run.data === undefined ? (
        <Loading what="the run" />
      ) : (
        <>
          <RunHead run={run.data} />
          <nav aria-label="Parts of the run" className="tabs">
            {TABS.map(({ tab: to, label }) => (
              <Link
                key={label}
                to="/experiments/$experimentId/runs/$runId"
                params={{ experimentId, runId }}
                search={{ tab: to }}
                activeOptions={{ exact: true, includeSearch: true }}
                aria-current={tab === to ? 'page' : undefined}
              >
                {label}
              </Link>
            ))}
          </nav>
          {tab === undefined && <Overview run={run.data} />}
          {tab === 'charts' && <RunCharts run={run.data} />}
          {tab === 'artifacts' && (
            <ArtifactBrowser
              root={{ kind: 'run', id: runId, live: run.data.status === 'RUNNING' }}
              location={run.data.artifactUri}
              path={path}
              onOpen={(next) => navigate({ search: (now) => ({ ...now, path: next }) })}
              emptyCode={`import mlflow\nwith mlflow.start_run(run_id="${runId}"):\n    mlflow.log_artifact("plot.png")`}
            />
          )}
        </>
      )}
    </div>
  );
}
