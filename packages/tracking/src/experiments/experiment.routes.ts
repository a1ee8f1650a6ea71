import { checkArtifactLocation, checkExperimentName, checkExperimentTag, invalid } from '@millrace/core';
import { type Handlers, Json } from '@millrace/http';
import type { TrackingDeps } from '../deps.ts';
import {
  createExperiment,
  deleteExperimentTag,
  getExperiment,
  getExperimentByName,
  renameExperiment,
  setExperimentStage,
  setExperimentTag,
} from './experiment.commands.ts';
import { searchExperiments } from './experiment-search.commands.ts';

const EMPTY = new Json('{}');

export function experimentHandlers(deps: TrackingDeps): Handlers {
  const { db, clock, artifactRoot, locations } = deps;
  return {
    'MlflowService.createExperiment': async ({ name, artifact_location, tags }) => {
      checkExperimentName(name);
      const location = artifact_location || undefined;
      if (location !== undefined) checkArtifactLocation(location, locations);
      const experimentId = await db.write(createExperiment, {
        name,
        artifactLocation: location,
        artifactRoot,
        tags: tags.map(({ key = '', value = '' }) => {
          checkExperimentTag(key, value);
          return { key, value };
        }),
        now: clock.now(),
      });
      return { experiment_id: experimentId };
    },
    'MlflowService.getExperiment': async ({ experiment_id }) => ({
      experiment: await db.read(getExperiment, experiment_id),
    }),
    'MlflowService.getExperimentByName': async ({ experiment_name }) => ({
      experiment: await db.read(getExperimentByName, experiment_name),
    }),
    'MlflowService.searchExperiments': async (request) => {
      if (request.max_results === undefined) {
        throw invalid("Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer.");
      }
      const text = await db.search(searchExperiments, {
        filter: request.filter ?? '',
        view: request.view_type ?? 'ACTIVE_ONLY',
        maxResults: Number(request.max_results),
        orderBy: request.order_by,
        pageToken: request.page_token ?? '',
      });
      return new Json(text);
    },
    'MlflowService.updateExperiment': async ({ experiment_id, new_name }) => {
      checkExperimentName(new_name ?? '');
      await db.write(renameExperiment, { experimentId: experiment_id, name: new_name ?? '', now: clock.now() });
      return EMPTY;
    },
    'MlflowService.deleteExperiment': async ({ experiment_id }) => {
      await db.write(setExperimentStage, { experimentId: experiment_id, stage: 'deleted', now: clock.now() });
      return EMPTY;
    },
    'MlflowService.restoreExperiment': async ({ experiment_id }) => {
      await db.write(setExperimentStage, { experimentId: experiment_id, stage: 'active', now: clock.now() });
      return EMPTY;
    },
    'MlflowService.setExperimentTag': async ({ experiment_id, key, value }) => {
      checkExperimentTag(key, value ?? '');
      await db.write(setExperimentTag, { experimentId: experiment_id, tag: { key, value: value ?? '' } });
      return EMPTY;
    },
    'MlflowService.deleteExperimentTag': async ({ experiment_id, key }) => {
      await db.write(deleteExperimentTag, { experimentId: experiment_id, key });
      return EMPTY;
    },
  };
}
