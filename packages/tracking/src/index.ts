import { type Handlers, mountRaw, type RawHandlers } from '@millrace/http';
import type { FastifyInstance } from 'fastify';
import { artifactHandlers, artifactTransfers } from './artifacts/artifact.routes.ts';
import { PART_ROUTE, proxyHandlers, proxyTransfers, receivePart } from './artifacts/proxy.routes.ts';
import type { TrackingDeps } from './deps.ts';
import { evaluationDatasetHandlers } from './evaluation-datasets/evaluation-dataset.routes.ts';
import { experimentHandlers } from './experiments/experiment.routes.ts';
import { graphqlHandlers } from './graphql/graphql.routes.ts';
import { loggedModelHandlers } from './logged-models/logged-model.routes.ts';
import { metricHandlers } from './metrics/metric.routes.ts';
import { tracking } from './migrations/0001-tracking.ts';
import { imports } from './migrations/0002-imports.ts';
import { idempotency } from './migrations/0003-idempotency.ts';
import { evaluationDatasets } from './migrations/0004-evaluation-datasets.ts';
import { runHandlers } from './runs/run.routes.ts';

export { ArtifactPlaces } from './artifacts/artifact-places.ts';
export type { TrackingDeps } from './deps.ts';
export { ensureDefaultExperiment } from './experiments/experiment.commands.ts';
export { collectGarbage, findGarbage, type GcReport } from './gc/gc.ts';
export { RunDocs } from './runs/run-docs.ts';
export * from './transfer/index.ts';

export const migrations = [tracking, imports, idempotency, evaluationDatasets];

/** The module of this feature's commands, by URL. */
export const commandsModule = new URL('./commands.ts', import.meta.url).href;

export function trackingHandlers(deps: TrackingDeps): Handlers {
  const rest: Handlers = {
    ...experimentHandlers(deps),
    ...runHandlers(deps),
    ...metricHandlers(deps),
    ...loggedModelHandlers(deps),
    ...evaluationDatasetHandlers(deps),
    ...artifactHandlers(deps),
    ...proxyHandlers(deps),
  };
  return { ...rest, ...graphqlHandlers(rest) };
}

export const trackingTransfers = (deps: TrackingDeps): RawHandlers => ({
  ...artifactTransfers(deps),
  ...proxyTransfers(deps),
});

/** Routes of this feature that are no operation of the contract. */
export function mountTracking(app: FastifyInstance, deps: TrackingDeps): void {
  mountRaw(app, 'PUT', PART_ROUTE, receivePart(deps));
}
