import type { Handlers } from '@millrace/http';
import type { TrackingDeps } from './deps.ts';
import { experimentHandlers } from './experiments/experiment.routes.ts';
import { metricHandlers } from './metrics/metric.routes.ts';
import { tracking } from './migrations/0001-tracking.ts';
import { runHandlers } from './runs/run.routes.ts';

export type { TrackingDeps } from './deps.ts';
export { ensureDefaultExperiment } from './experiments/experiment.commands.ts';
export { RunDocs } from './runs/run-docs.ts';

export const migrations = [tracking];

/** The module of this feature's commands, by URL. */
export const commandsModule = new URL('./commands.ts', import.meta.url).href;

export const trackingHandlers = (deps: TrackingDeps): Handlers => ({
  ...experimentHandlers(deps),
  ...runHandlers(deps),
  ...metricHandlers(deps),
});
