import { Readable } from 'node:stream';
import { checkLoggedModelName, checkText, ids, invalid, randomRunName } from '@millrace/core';
import type { Database } from '@millrace/db';
import { type Handlers, Json } from '@millrace/http';
import type { TrackingDeps } from '../deps.ts';
import {
  createLoggedModel,
  deleteLoggedModel,
  deleteModelTag,
  finalizeLoggedModel,
  getLoggedModel,
  logModelParams,
  type ModelDocs,
  readModelDocs,
  setModelTags,
} from './logged-model.commands.ts';
import { checkModelType, checkSourceRunId, MODEL_STATUSES, modelItems } from './logged-model.ts';
import { searchLoggedModels } from './logged-model-search.commands.ts';

const EMPTY = new Json('{}');

/** What MLflow makes of a page size of 0. */
const ZERO_RESULTS = 100;

export function loggedModelHandlers({ db, clock }: Pick<TrackingDeps, 'db' | 'clock'>): Handlers {
  const model = (docs: ModelDocs) => wholeText(db, docs, '{"model":', '}');

  return {
    'MlflowService.createLoggedModel': async (request) => {
      const { name, model_type: modelType = '', source_run_id: sourceRunId = '' } = request;
      if (name) checkLoggedModelName(name);
      checkModelType(modelType);
      checkSourceRunId(sourceRunId);
      const docs = await db.write(createLoggedModel, {
        modelId: ids.loggedModel(),
        experimentId: request.experiment_id,
        name: name || randomRunName(),
        modelType,
        sourceRunId,
        params: modelItems('params', request.params),
        tags: modelItems('tags', request.tags),
        now: clock.now(),
      });
      return model(docs);
    },
    'MlflowService.finalizeLoggedModel': async ({ model_id, status }) => {
      if (status === undefined) {
        throw invalid(`Missing value for required parameter 'status'. It is one of ${MODEL_STATUSES.join(', ')}.`);
      }
      const input = { modelId: model_id, status: MODEL_STATUSES.indexOf(status), now: clock.now() };
      return model(await db.write(finalizeLoggedModel, input));
    },
    'MlflowService.getLoggedModel': async ({ model_id }, { http }) => {
      // Not in the contract's message: MLflow reads it from the URL.
      const allowDeleted = (http.query as URLSearchParams).get('allow_deleted')?.toLowerCase() === 'true';
      return model(await db.search(getLoggedModel, { modelId: model_id, allowDeleted }));
    },
    'MlflowService.deleteLoggedModel': async ({ model_id }) => {
      await db.write(deleteLoggedModel, { modelId: model_id, now: clock.now() });
      return EMPTY;
    },
    'MlflowService.LogLoggedModelParams': async ({ model_id, params }) => {
      await db.write(logModelParams, { modelId: model_id, params: modelItems('params', params) });
      return EMPTY;
    },
    'MlflowService.setLoggedModelTags': async ({ model_id, tags }) => {
      await db.write(setModelTags, { modelId: model_id, tags: modelItems('tags', tags) });
      return EMPTY;
    },
    'MlflowService.deleteLoggedModelTag': async ({ model_id, tag_key }) => {
      await db.write(deleteModelTag, { modelId: model_id, key: tag_key });
      return EMPTY;
    },
    'MlflowService.searchLoggedModels': async (request) => {
      const datasets = request.datasets.map(({ dataset_name, dataset_digest = '' }) => {
        if (!dataset_name) throw invalid('`dataset_name` in the `datasets` clause must be specified.');
        checkText('dataset_name', dataset_name);
        checkText('dataset_digest', dataset_digest);
        return { name: dataset_name, digest: dataset_digest };
      });
      const { token, ...docs } = await db.search(searchLoggedModels, {
        experimentIds: request.experiment_ids,
        filter: request.filter ?? '',
        datasets,
        maxResults: request.max_results === 0 ? ZERO_RESULTS : request.max_results,
        orderBy: request.order_by,
        pageToken: request.page_token ?? '',
      });
      if (docs.ids.length === 0) return EMPTY;
      return wholeText(db, docs, '{"models":[', token === null ? ']}' : `],"next_page_token":"${token}"}`);
    },
  };
}

/** The JSON of models in one go, or piece by piece where they have many metrics. */
function wholeText(db: Database, { ids, first }: ModelDocs, start: string, end: string): Json | Readable {
  if (first.next === null) return new Json(start + first.text + end);
  async function* pieces() {
    let piece = first;
    yield start + piece.text;
    while (piece.next !== null) {
      piece = await db.search(readModelDocs, { ids, at: piece.next });
      yield piece.text;
    }
    yield end;
  }
  return Readable.from(pieces(), { objectMode: false, encoding: 'utf8' });
}
