import { DomainError, parseUri } from '@millrace/core';
import { MODEL_STATUSES } from '../../logged-models/logged-model.ts';
import type { KeyValue, MetricPoint } from '../../runs/run.ts';
import { encode } from '../../runs/run-doc.store.ts';
import type { ArtifactTree } from '../artifact-tree.ts';
import type {
  ArtifactOwner,
  ExperimentRecord,
  ImportSource,
  ModelMetric,
  ModelRecord,
  RunRecord,
  Sourced,
} from '../records.ts';
import { listTree, type WireFile } from './list-tree.ts';
import type { FileList, Page, WireExperiment, WireMetric, WireModel, WireRun } from './mlflow-wire.ts';
import { RestClient } from './rest-client.ts';

const RUNS_AT_ONCE = 200;
const MODELS_AT_ONCE = 50;
const EXPERIMENTS_AT_ONCE = 1000;
const POINTS_AT_ONCE = 10_000;

const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** A running MLflow server, over its REST API. */
export async function openMlflowServer(url: string): Promise<ImportSource> {
  const client = new RestClient(url, process.env);
  await client.check();
  return new MlflowServer(client);
}

const filled = (items: readonly Partial<KeyValue>[] = []): KeyValue[] =>
  items.map(({ key = '', value = '' }) => ({ key, value }));

const point = ({ key, value = 0, timestamp = 0, step = 0 }: WireMetric): MetricPoint => ({
  key,
  value: Number(value),
  timestamp,
  step,
});

class MlflowServer implements ImportSource {
  readonly title: string;
  readonly fingerprint: string;
  readonly #client: RestClient;
  readonly #experimentIds: string[] = [];
  /** Which metrics each run of the current batch has. */
  readonly #metricKeys = new WeakMap<RunRecord, readonly string[]>();
  readonly #modelMetrics = new WeakMap<ModelRecord, readonly ModelMetric[]>();

  constructor(client: RestClient) {
    this.title = `the MLflow server ${client.url}`;
    this.fingerprint = client.url;
    this.#client = client;
  }

  async countRuns(): Promise<null> {
    return null;
  }

  async *experiments(): AsyncGenerator<ExperimentRecord> {
    this.#experimentIds.length = 0;
    const query = { view_type: 'ALL', max_results: EXPERIMENTS_AT_ONCE };
    for await (const page of this.#pages<WireExperiment>('experiments/search', query, 'experiments')) {
      for (const experiment of page) {
        this.#experimentIds.push(experiment.experiment_id);
        const { creation_time = 0, last_update_time = creation_time, lifecycle_stage = 'active' } = experiment;
        yield {
          id: experiment.experiment_id,
          name: experiment.name ?? '',
          artifactLocation: experiment.artifact_location ?? '',
          stage: lifecycle_stage,
          creationTime: creation_time,
          lastUpdateTime: last_update_time,
          tags: filled(experiment.tags),
        };
      }
    }
  }

  async *runs(): AsyncGenerator<Sourced<RunRecord>[]> {
    for (const id of this.#experimentIds) {
      const query = { experiment_ids: [id], run_view_type: 'ALL', max_results: RUNS_AT_ONCE };
      for await (const page of this.#pages<WireRun>('runs/search', query, 'runs')) {
        yield page.map((run) => this.#run(run));
      }
    }
  }

  #run({ info, data = {}, inputs = {}, outputs = {} }: WireRun): Sourced<RunRecord> {
    const tags = filled(data.tags);
    const record: RunRecord = {
      runUuid: info.run_id ?? info.run_uuid,
      experimentId: info.experiment_id,
      name: info.run_name || (tags.find(({ key }) => key === 'mlflow.runName')?.value ?? ''),
      userId: info.user_id ?? '',
      status: info.status,
      startTime: info.start_time ?? 0,
      endTime: info.end_time ?? null,
      deletedTime: null,
      stage: info.lifecycle_stage ?? 'active',
      artifactUri: info.artifact_uri ?? '',
      params: filled(data.params),
      tags,
      datasets: inputs.dataset_inputs ?? [],
      modelInputs: (inputs.model_inputs ?? []).map(({ model_id }) => ({ model_id, step: 0 })),
      modelOutputs: (outputs.model_outputs ?? []).map(({ model_id, step = 0 }) => ({ model_id, step })),
    };
    const metrics = data.metrics ?? [];
    this.#metricKeys.set(
      record,
      metrics.map(({ key }) => key),
    );
    // Points of a run that goes on may come in any order: it is read again each time.
    const goesOn = record.status === 'RUNNING' || record.status === 'SCHEDULED';
    const state = metrics.map(({ key, value, step, timestamp }) => `${key} ${value} ${step} ${timestamp}`).join('\n');
    return { record, state: goesOn ? `${Date.now()} ${state}` : state };
  }

  async *metrics(run: RunRecord): AsyncGenerator<MetricPoint[]> {
    let points: MetricPoint[] = [];
    for (const key of this.#metricKeys.get(run) ?? []) {
      for (let token: string | undefined = ''; token !== undefined; ) {
        const page: { metrics?: WireMetric[]; next_page_token?: string } = await this.#client.get(
          'metrics/get-history',
          {
            run_id: run.runUuid,
            metric_key: key,
            max_results: String(POINTS_AT_ONCE),
            ...(token === '' ? {} : { page_token: token }),
          },
        );
        for (const metric of page.metrics ?? []) points.push(point(metric));
        token = page.next_page_token || undefined;
        if (points.length < POINTS_AT_ONCE) continue;
        yield points;
        points = [];
      }
    }
    if (points.length > 0) yield points;
  }

  async *models(): AsyncGenerator<Sourced<ModelRecord>[]> {
    for (const id of this.#experimentIds) {
      const query = { experiment_ids: [id], max_results: MODELS_AT_ONCE };
      try {
        for await (const page of this.#pages<WireModel>('logged-models/search', query, 'models')) {
          yield page.map((model) => this.#model(model));
        }
      } catch (error) {
        // Servers before 3.0 know no logged models.
        if (error instanceof DomainError && (error.status === 404 || error.status === 501)) return;
        throw error;
      }
    }
  }

  #model({ info, data = {} }: WireModel): Sourced<ModelRecord> {
    const { creation_timestamp_ms = 0, last_updated_timestamp_ms = creation_timestamp_ms } = info;
    const record: ModelRecord = {
      modelId: info.model_id,
      experimentId: info.experiment_id,
      name: info.name ?? '',
      artifactLocation: info.artifact_uri ?? '',
      creationTime: creation_timestamp_ms,
      lastUpdateTime: last_updated_timestamp_ms,
      status: info.status === undefined ? 0 : MODEL_STATUSES.indexOf(info.status),
      statusMessage: info.status_message ?? null,
      modelType: info.model_type ?? null,
      sourceRunId: info.source_run_id ?? null,
      stage: 'active',
      params: filled(data.params),
      tags: filled(info.tags),
    };
    const metrics = (data.metrics ?? []).map((metric) => ({
      ...point(metric),
      runUuid: metric.run_id ?? '',
      dataset_name: metric.dataset_name ?? '',
      dataset_digest: metric.dataset_digest ?? '',
    }));
    this.#modelMetrics.set(record, metrics);
    return { record, state: encode(metrics) };
  }

  async *modelMetrics(model: ModelRecord): AsyncGenerator<readonly ModelMetric[]> {
    yield this.#modelMetrics.get(model) ?? [];
  }

  async artifacts({ kind, id, uri }: ArtifactOwner): Promise<ArtifactTree> {
    const { scheme, path } = parseUri(uri);
    if (scheme === 'mlflow-artifacts') return this.#proxied(path.replace(/^\/+|\/+$/g, ''));
    return kind === 'run' ? this.#ofRun(id) : this.#ofModel(id);
  }

  #proxied(root: string): ArtifactTree {
    return listTree({
      list: async (folder) => {
        const path = folder === '' ? root : `${root}/${folder}`;
        const { files = [] } = await this.#client.json<FileList>('GET', `/api/2.0/mlflow-artifacts/artifacts`, {
          path,
        });
        // Relative to the folder that was asked for.
        return files.map((file) => ({ ...file, path: folder === '' ? file.path : `${folder}/${file.path}` }));
      },
      open: (path) => this.#client.download(`/api/2.0/mlflow-artifacts/artifacts/${encodePath(`${root}/${path}`)}`, {}),
    });
  }

  #ofRun(runId: string): ArtifactTree {
    return listTree({
      list: async (path) => this.#pagedFiles('artifacts/list', { run_id: runId, ...(path === '' ? {} : { path }) }),
      open: (path) => this.#client.download('/get-artifact', { run_uuid: runId, path }),
    });
  }

  #ofModel(modelId: string): ArtifactTree {
    const base = `logged-models/${encodeURIComponent(modelId)}/artifacts`;
    return listTree({
      list: async (path) =>
        this.#pagedFiles(`${base}/directories`, path === '' ? {} : { artifact_directory_path: path }),
      open: (path) => this.#client.download(`/ajax-api/2.0/mlflow/${base}/files`, { artifact_file_path: path }),
    });
  }

  async #pagedFiles(route: string, query: Readonly<Record<string, string>>): Promise<readonly WireFile[]> {
    const files: WireFile[] = [];
    for (let token = ''; ; ) {
      const page = await this.#client.get<FileList>(route, token === '' ? query : { ...query, page_token: token });
      files.push(...(page.files ?? []));
      token = page.next_page_token ?? '';
      if (token === '') return files;
    }
  }

  async leftOut(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const [route, field, name] of [
      ['registered-models/search', 'registered_models', 'registered models'],
      ['model-versions/search', 'model_versions', 'model versions'],
    ] as const) {
      const count = await this.#countAll(route, field);
      if (count > 0) found.set(name, count);
    }
    return found;
  }

  /** 0 on a server that has no registry. */
  async #countAll(route: string, field: string): Promise<number> {
    let count = 0;
    try {
      for (let token = ''; ; ) {
        const query = { max_results: '1000', ...(token === '' ? {} : { page_token: token }) };
        const page = await this.#client.get<Page>(route, query);
        count += ((page[field] as unknown[] | undefined) ?? []).length;
        token = page.next_page_token ?? '';
        if (token === '') return count;
      }
    } catch (error) {
      if (error instanceof DomainError && (error.status === 404 || error.status === 501)) return 0;
      throw error;
    }
  }

  async close(): Promise<void> {}

  async *#pages<T>(route: string, query: object, field: string): AsyncGenerator<readonly T[]> {
    for (let token = ''; ; ) {
      const page = await this.#client.post<Page>(route, token === '' ? query : { ...query, page_token: token });
      const items = (page[field] as readonly T[] | undefined) ?? [];
      if (items.length > 0) yield items;
      token = page.next_page_token ?? '';
      if (token === '') return;
    }
  }
}
