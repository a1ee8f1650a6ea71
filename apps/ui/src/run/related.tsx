import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { modelQuery, modelStatus } from '../api/models.ts';
import type { Run } from '../api/run.ts';
import { childRunsQuery } from '../api/runs.ts';
import type { WireDatasetInput } from '../api/wire.ts';
import { Status } from '../components/status.tsx';

export function Models({ title, ids, experimentId }: { title: string; ids: readonly string[]; experimentId: string }) {
  const models = useQueries({ queries: ids.map(modelQuery) });
  if (ids.length === 0) return null;
  return (
    <section className="card">
      <h2>{title}</h2>
      <ul className="plain-list">
        {ids.map((modelId, i) => {
          const info = models[i]?.data?.info;
          return (
            <li key={modelId}>
              <Link
                to="/experiments/$experimentId/models/$modelId"
                params={{ experimentId: info?.experiment_id ?? experimentId, modelId }}
              >
                {info?.name || modelId}
              </Link>
              <span className="faint">{info ? modelStatus(info.status) : models[i]?.isError ? 'not found' : ''}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const CONTEXT = 'mlflow.data.context';

export function Datasets({ datasets }: { datasets: readonly WireDatasetInput[] }) {
  if (datasets.length === 0) return null;
  return (
    <section className="card">
      <h2>Datasets</h2>
      <ul className="plain-list">
        {datasets.map(({ dataset, tags = [] }) => {
          const context = tags.find((tag) => tag.key === CONTEXT)?.value;
          return (
            <li key={`${dataset.name} ${dataset.digest} ${context}`}>
              <span>{dataset.name}</span>
              <code>{dataset.digest}</code>
              <span className="faint">{[context, dataset.source_type].filter(Boolean).join(' · ')}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export function Children({ run }: { run: Run }) {
  const children = useQuery(childRunsQuery(run));
  if (children.data === undefined || children.data.runs.length === 0) return null;
  return (
    <section className="card">
      <h2>
        Child runs{' '}
        <span className="faint">
          {children.data.runs.length}
          {children.data.more && '+'}
        </span>
      </h2>
      <ul className="plain-list">
        {children.data.runs.map((child) => (
          <li key={child.id}>
            <Link
              to="/experiments/$experimentId/runs/$runId"
              params={{ experimentId: child.experimentId, runId: child.id }}
            >
              {child.name}
            </Link>
            <Status status={child.status} />
          </li>
        ))}
      </ul>
    </section>
  );
}
