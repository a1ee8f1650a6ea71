import {
  checkBatchSize,
  checkDataset,
  checkInputTag,
  checkMetricKey,
  checkMetricTimestamp,
  checkParamKey,
  checkParamKeysUnique,
  checkRunId,
  checkTagKey,
  checkText,
  ids,
  invalid,
  MAX_RUN_NAME_LENGTH,
  randomRunName,
  truncateParamValue,
  truncateRunTagValue,
} from '@millrace/core';
import { type Handlers, Json } from '@millrace/http';
import { type DatasetInput, logInputs, searchDatasets } from '../datasets/dataset.commands.ts';
import type { TrackingDeps } from '../deps.ts';
import { readOnce } from '../idempotency/once.ts';
import {
  assembleRun,
  createRun,
  deleteRun,
  logBatch,
  logLegacyModel,
  logOutputs,
  readRunDoc,
  removeTag,
  restoreRun,
  updateRun,
} from './run.commands.ts';
import type { Int64, KeyValue, MetricPoint } from './run.ts';
import { RUN_NAME_TAG } from './run.ts';
import { searchRuns } from './run-search.commands.ts';

const EMPTY = new Json('{}');
const MAX_MODEL_ID_LENGTH = 256;

interface NamesRun {
  readonly run_id?: string;
  readonly run_uuid?: string;
}

/** Old clients say run_uuid. */
function runIdOf(request: NamesRun): string {
  const id = request.run_id || request.run_uuid || '';
  checkRunId(id);
  return id;
}

export function runHandlers(deps: TrackingDeps): Handlers {
  const { db, clock, docs, truncateLongValues } = deps;

  const param = (key: string, value: string | undefined, index?: number): KeyValue => {
    checkParamKey(key, index);
    return { key, value: truncateParamValue(value ?? '', truncateLongValues) };
  };
  const tag = (key: string, value: string | undefined, index?: number): KeyValue => {
    checkTagKey(key, index);
    return { key, value: truncateRunTagValue(value ?? '', truncateLongValues, index) };
  };
  const write = async (
    runUuid: string,
    batch: Partial<Record<'params' | 'tags', KeyValue[]>> & { metrics?: MetricPoint[]; single?: boolean },
  ) => {
    await db.write(logBatch, { runUuid, metrics: [], params: [], tags: [], ...batch });
    return EMPTY;
  };
  const readRun = async (runUuid: string): Promise<string> => {
    const ready = await db.read(readRunDoc, runUuid);
    if (ready !== null) return ready;
    const doc = await db.search(assembleRun, runUuid);
    docs.refresh([runUuid]);
    return doc;
  };

  return {
    'MlflowService.createRun': async (request, context) => {
      const tags = request.tags.map(({ key = '', value }, i) => tag(key, value, i));
      const named = tags.find(({ key }) => key === RUN_NAME_TAG)?.value;
      const asked = request.run_name || undefined;
      if (asked !== undefined && named !== undefined && named !== '' && asked !== named) {
        throw invalid(
          `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${asked}', mlflow.runName='${named}').`,
        );
      }
      const name = runName(asked ?? (named || randomRunName()));
      const run = await db.write(createRun, {
        runUuid: ids.run(),
        experimentId: request.experiment_id || '0',
        name,
        userId: plain('user_id', request.user_id ?? ''),
        startTime: request.start_time ?? 0,
        once: readOnce(context, clock),
        // Of several with one key the last stands.
        tags: [...new Map([...tags, { key: RUN_NAME_TAG, value: name }].map((each) => [each.key, each])).values()],
      });
      return new Json(`{"run":${run}}`);
    },
    'MlflowService.updateRun': async (request) => {
      const info = await db.write(updateRun, {
        runUuid: runIdOf(request),
        status: request.status,
        endTime: request.end_time,
        name: request.run_name === undefined ? undefined : runName(request.run_name),
      });
      return { run_info: info };
    },
    'MlflowService.getRun': async (request) => new Json(`{"run":${await readRun(runIdOf(request))}}`),
    'MlflowService.deleteRun': async ({ run_id }) => {
      await db.write(deleteRun, { runUuid: runIdOf({ run_id }), now: clock.now() });
      return EMPTY;
    },
    'MlflowService.restoreRun': async ({ run_id }) => {
      await db.write(restoreRun, { runUuid: runIdOf({ run_id }) });
      return EMPTY;
    },
    'MlflowService.logMetric': async (request) => {
      const { key, value, timestamp, step } = request;
      checkMetricKey(key);
      checkMetricTimestamp(key, value, timestamp);
      return write(runIdOf(request), { metrics: [withModel({ key, value, timestamp, step }, request)] });
    },
    'MlflowService.logParam': async (request) =>
      write(runIdOf(request), { params: [param(request.key, request.value)], single: true }),
    'MlflowService.setTag': async (request) => write(runIdOf(request), { tags: [tag(request.key, request.value)] }),
    'MlflowService.deleteTag': async ({ run_id, key }) => {
      await db.write(removeTag, { runUuid: runIdOf({ run_id }), key });
      return EMPTY;
    },
    'MlflowService.logBatch': async ({ run_id, metrics, params, tags }) => {
      checkRunId(run_id);
      checkBatchSize(metrics.length, params.length, tags.length);
      checkParamKeysUnique(params.map(({ key = '' }) => key));
      const single = metrics.length === 1;
      const points = metrics.map((metric, i): MetricPoint => {
        const { key = '', value = 0, timestamp = 0, step = 0 } = metric;
        checkMetricKey(key, single ? undefined : i);
        checkMetricTimestamp(key, value, timestamp, single ? undefined : i);
        return withModel({ key, value, timestamp, step }, metric);
      });
      return write(run_id, {
        metrics: points,
        params: params.map(({ key = '', value }, i) => param(key, value, i)),
        tags: tags.map(({ key = '', value }, i) => tag(key, value, i)),
      });
    },
    'MlflowService.logModel': async ({ run_id, model_json }) => {
      checkRunId(run_id);
      await db.write(logLegacyModel, { runUuid: run_id, model: legacyModel(model_json) });
      return EMPTY;
    },
    'MlflowService.logInputs': async ({ run_id, datasets, models }) => {
      checkRunId(run_id);
      await db.write(logInputs, {
        runUuid: run_id,
        datasets: datasets.map(datasetInput),
        models: models.map(({ model_id }) => ({ model_id: modelId(model_id) })),
      });
      return EMPTY;
    },
    'MlflowService.logOutputs': async ({ run_id, models }) => {
      checkRunId(run_id);
      const outputs = models.map(({ model_id, step }) => ({ model_id: modelId(model_id), step }));
      await db.write(logOutputs, { runUuid: run_id, models: outputs });
      return EMPTY;
    },
    'MlflowService.searchRuns': async (request) => {
      const { text, stale } = await db.search(searchRuns, {
        experimentIds: request.experiment_ids,
        filter: request.filter ?? '',
        view: request.run_view_type,
        maxResults: request.max_results,
        orderBy: request.order_by,
        pageToken: request.page_token ?? '',
      });
      docs.refresh(stale);
      return new Json(text);
    },
    'Runs.searchDatasets': async ({ experiment_ids }) => {
      if (experiment_ids.length === 0) {
        throw invalid('SearchDatasets request must specify at least one experiment_id.');
      }
      return { dataset_summaries: await db.search(searchDatasets, experiment_ids) };
    },
  };
}

function plain(field: string, text: string): string {
  checkText(field, text);
  return text;
}

function runName(name: string): string {
  checkText('run_name', name);
  if (name.length > MAX_RUN_NAME_LENGTH) {
    throw invalid(`Run name has ${name.length} characters; it may have at most ${MAX_RUN_NAME_LENGTH}.`);
  }
  return name;
}

function withModel(
  point: { key: string; value: number; timestamp: Int64; step: Int64 },
  of: { readonly model_id?: string; readonly dataset_name?: string; readonly dataset_digest?: string },
): MetricPoint {
  if (Boolean(of.dataset_name) !== Boolean(of.dataset_digest)) {
    throw invalid('Both dataset_name and dataset_digest must be provided if one is provided');
  }
  if (of.model_id === undefined || of.model_id === '') return point;
  return { ...point, model_id: of.model_id, dataset_name: of.dataset_name, dataset_digest: of.dataset_digest };
}

function modelId(id: string | undefined): string {
  if (id === undefined || id === '') throw invalid("Missing value for required parameter 'models[].model_id'.");
  if (id.length > MAX_MODEL_ID_LENGTH) {
    throw invalid(`A model_id has ${id.length} characters; it may have at most ${MAX_MODEL_ID_LENGTH}.`);
  }
  return plain('model_id', id);
}

/** A 2.x client sends the model's description; the history keeps what its own reader looks at. */
function legacyModel(text: string): unknown {
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch {
    throw invalid(`Malformed model info. \n ${text.slice(0, 200)} \n is not valid JSON.`);
  }
  const fields = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'];
  const missing = fields.filter((field) => typeof model !== 'object' || model === null || !(field in model));
  if (missing.length > 0) throw invalid(`Model json is missing mandatory fields: ${missing.join(', ')}`);
  return model;
}

interface SentDataset {
  readonly tags: readonly { readonly key?: string; readonly value?: string }[];
  readonly dataset?: {
    readonly name?: string;
    readonly digest?: string;
    readonly source_type?: string;
    readonly source?: string;
    readonly schema?: string;
    readonly profile?: string;
  };
}

function datasetInput({ tags, dataset }: SentDataset, index: number): DatasetInput {
  if (dataset === undefined) throw invalid(`Missing value for required parameter 'datasets[${index}].dataset'.`);
  const { name, digest, source_type, source } = dataset;
  if (!name || !digest || !source_type || !source) {
    throw invalid(`datasets[${index}].dataset needs a name, a digest, a source_type and a source.`);
  }
  checkDataset({ ...dataset, name, digest, source });
  return {
    tags: tags.map(({ key = '', value = '' }) => {
      checkInputTag(key, value);
      return { key, value };
    }),
    dataset: { ...dataset, name, digest, source, source_type: plain('source_type', source_type) },
  };
}
