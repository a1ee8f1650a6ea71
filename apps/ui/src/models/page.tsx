import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { experimentQuery } from '../api/experiments.ts';
import { modelQuery, modelStatus } from '../api/models.ts';
import { metricsFromWire, toMap } from '../api/run.ts';
import { useTitle } from '../app/title.ts';
import { ArtifactBrowser } from '../artifacts/browser.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { ErrorNotice, Loading } from '../components/notice.tsx';
import { RelativeTime } from '../components/time.tsx';
import { MetricTable, ParamTable } from '../run/key-values.tsx';

const route = getRouteApi('/experiments/$experimentId/models/$modelId');

/** A model as a run left it: what it is, how it scored, its files. */
export function ModelPage() {
  const { experimentId, modelId } = route.useParams();
  const { path = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const model = useQuery(modelQuery(modelId));
  const experiment = useQuery(experimentQuery(experimentId));
  const info = model.data?.info;

  useTitle(info?.name ?? 'Model');

  if (model.isError && !model.data) {
    return <ErrorNotice what={`The model ${modelId}`} error={model.error} retry={model.refetch} />;
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
      {info === undefined ? (
        <Loading what="the model" />
      ) : (
        <>
          <div className="page-head">
            <h1>{info.name || modelId}</h1>
            <span className="faint">{modelStatus(info.status)}</span>
          </div>
          <dl className="facts">
            <div>
              <dt>Model ID</dt>
              <dd>
                <code>{modelId}</code> <CopyButton text={modelId} label="Copy model ID" />
              </dd>
            </div>
            <div>
              <dt>Created</dt>
              <dd>
                <RelativeTime time={info.creation_timestamp_ms} />
              </dd>
            </div>
            {info.source_run_id && (
              <div>
                <dt>Made by</dt>
                <dd>
                  <Link
                    to="/experiments/$experimentId/runs/$runId"
                    params={{ experimentId, runId: info.source_run_id }}
                  >
                    run {info.source_run_id.slice(0, 8)}
                  </Link>
                </dd>
              </div>
            )}
            <div>
              <dt>Load it</dt>
              <dd>
                <code>mlflow.pyfunc.load_model("models:/{modelId}")</code>{' '}
                <CopyButton
                  text={`mlflow.pyfunc.load_model("models:/${modelId}")`}
                  label="Copy the line that loads the model"
                />
              </dd>
            </div>
          </dl>
          <div className="columns">
            <MetricTable metrics={metricsFromWire(model.data?.data?.metrics)} />
            <ParamTable params={toMap(model.data?.data?.params)} />
          </div>
          <h2 className="part">Files</h2>
          <ArtifactBrowser
            root={{ kind: 'model', id: modelId, live: info.status === 'LOGGED_MODEL_PENDING' }}
            location={info.artifact_uri ?? ''}
            path={path}
            onOpen={(next) => navigate({ search: { path: next } })}
            emptyCode={`import mlflow\nmodel = mlflow.get_logged_model("${modelId}")\nprint(model.status)`}
          />
        </>
      )}
    </div>
  );
}
