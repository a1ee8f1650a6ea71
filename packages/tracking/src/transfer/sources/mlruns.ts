import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { invalid } from '@millrace/core';
import { parse } from 'yaml';
import type { DatasetInput } from '../../datasets/dataset.commands.ts';
import { type Int64, type KeyValue, type MetricPoint, RUN_NAME_TAG, type RunStatus } from '../../runs/run.ts';
import { type ArtifactTree, folderTree, isFolder } from '../artifact-tree.ts';
import type {
  ArtifactOwner,
  ExperimentRecord,
  ImportSource,
  ModelMetric,
  ModelRecord,
  ModelUse,
  RunRecord,
  Sourced,
  Stage,
} from '../records.ts';
import { ArtifactLocations } from './artifact-locations.ts';

const RECORDS_AT_ONCE = 50;
const POINTS_AT_ONCE = 10_000;
const META = 'meta.yaml';
const TRASH = '.trash';
/** Folders of an mlruns folder, or of an experiment, that are no experiment, or no run. */
const REGISTRY = 'models';
const STATUSES: readonly RunStatus[] = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'];

/** A `file:` store as MLflow 1.x to 3.x write it. */
export async function openMlruns(folder: string, artifactRoot: string | undefined): Promise<ImportSource> {
  const root = await realpath(folder);
  const store = new Mlruns(root, new ArtifactLocations(artifactRoot, dirname(root)));
  for await (const _ of store.experiments()) return store;
  throw invalid(`The folder ${folder} holds no experiments of MLflow: none of its folders has a ${META}.`);
}

type Meta = Readonly<Record<string, unknown>>;

class Mlruns implements ImportSource {
  readonly title: string;
  readonly fingerprint: string;
  readonly #root: string;
  readonly #locations: ArtifactLocations;
  /** Where each run and model lies. */
  readonly #folders = new Map<string, string>();

  constructor(root: string, locations: ArtifactLocations) {
    this.title = `the MLflow folder ${root}`;
    this.fingerprint = `file:${root}`;
    this.#root = root;
    this.#locations = locations;
  }

  async countRuns(): Promise<number> {
    let count = 0;
    for (const folder of await this.#experimentFolders()) count += (await runFolders(folder)).length;
    return count;
  }

  async *experiments(): AsyncGenerator<ExperimentRecord> {
    for (const folder of await this.#experimentFolders()) {
      const meta = await readMeta(folder);
      const changed = int(meta.last_update_time ?? meta.creation_time, await mtime(join(folder, META)));
      yield {
        id: text(meta.experiment_id),
        name: text(meta.name),
        artifactLocation: text(meta.artifact_location),
        // Clients of 1.x move the folder and leave the word in it as it was.
        stage: dirname(folder) === join(this.#root, TRASH) ? 'deleted' : stageOf(meta),
        creationTime: int(meta.creation_time, changed),
        lastUpdateTime: changed,
        tags: await readKeyed(join(folder, 'tags')),
      };
    }
  }

  async *runs(): AsyncGenerator<Sourced<RunRecord>[]> {
    for (const experiment of await this.#experimentFolders()) {
      const folders = await runFolders(experiment);
      for (let i = 0; i < folders.length; i += RECORDS_AT_ONCE) {
        yield await Promise.all(folders.slice(i, i + RECORDS_AT_ONCE).map((folder) => this.#run(experiment, folder)));
      }
    }
  }

  async #run(experiment: string, folder: string): Promise<Sourced<RunRecord>> {
    const meta = await readMeta(folder);
    const runUuid = text(meta.run_id ?? meta.run_uuid);
    this.#folders.set(runUuid, folder);
    const tags = await readKeyed(join(folder, 'tags'));
    const status =
      typeof meta.status === 'string' ? (meta.status as RunStatus) : STATUSES[Number(meta.status ?? 1) - 1];
    return {
      record: {
        runUuid,
        experimentId: text(meta.experiment_id),
        name: text(meta.run_name ?? meta.name) || (tags.find(({ key }) => key === RUN_NAME_TAG)?.value ?? ''),
        userId: text(meta.user_id),
        status: status ?? 'RUNNING',
        startTime: int(meta.start_time, 0),
        endTime: intOrNull(meta.end_time),
        deletedTime: intOrNull(meta.deleted_time),
        stage: stageOf(meta),
        artifactUri: text(meta.artifact_uri),
        params: await readKeyed(join(folder, 'params')),
        tags,
        datasets: await this.#datasets(experiment, folder),
        modelInputs: await modelUses(join(folder, 'inputs'), 'MODEL_INPUT'),
        modelOutputs: await modelUses(join(folder, 'outputs'), 'MODEL_OUTPUT'),
      },
      state: await sizes(join(folder, 'metrics')),
    };
  }

  async #datasets(experiment: string, run: string): Promise<DatasetInput[]> {
    const inputs: DatasetInput[] = [];
    for (const meta of await metasIn(join(run, 'inputs'))) {
      if (meta.source_type !== 'DATASET') continue;
      const dataset = await readMeta(join(experiment, 'datasets', text(meta.source_id)));
      inputs.push({
        dataset: {
          name: text(dataset.name),
          digest: text(dataset.digest),
          source_type: text(dataset.source_type),
          source: text(dataset.source),
          ...(dataset.schema == null ? {} : { schema: text(dataset.schema) }),
          ...(dataset.profile == null ? {} : { profile: text(dataset.profile) }),
        },
        tags: Object.entries((meta.tags ?? {}) as Meta).map(([key, value]) => ({ key, value: text(value) })),
      });
    }
    return inputs;
  }

  async *metrics({ runUuid }: RunRecord): AsyncGenerator<MetricPoint[]> {
    const folder = join(this.#folders.get(runUuid)!, 'metrics');
    yield* inPieces(folder, (key, [timestamp, value, step]) => ({
      key,
      value: double(value),
      timestamp: int(timestamp, 0),
      step: int(step, 0),
    }));
  }

  async *models(): AsyncGenerator<Sourced<ModelRecord>[]> {
    for (const experiment of await this.#experimentFolders()) {
      const folders = await foldersWithMeta(join(experiment, 'models'));
      for (let i = 0; i < folders.length; i += RECORDS_AT_ONCE) {
        yield await Promise.all(folders.slice(i, i + RECORDS_AT_ONCE).map((folder) => this.#model(folder)));
      }
    }
  }

  async #model(folder: string): Promise<Sourced<ModelRecord>> {
    const meta = await readMeta(folder);
    const modelId = text(meta.model_id);
    this.#folders.set(modelId, folder);
    return {
      record: {
        modelId,
        experimentId: text(meta.experiment_id),
        name: text(meta.name),
        artifactLocation: text(meta.artifact_location),
        creationTime: int(meta.creation_timestamp, 0),
        lastUpdateTime: int(meta.last_updated_timestamp, 0),
        status: Number(meta.status ?? 0),
        statusMessage: textOrNull(meta.status_message),
        modelType: textOrNull(meta.model_type),
        sourceRunId: textOrNull(meta.source_run_id),
        stage: stageOf(meta),
        params: await readKeyed(join(folder, 'params')),
        tags: await readKeyed(join(folder, 'tags')),
      },
      state: await sizes(join(folder, 'metrics')),
    };
  }

  async *modelMetrics({ modelId }: ModelRecord): AsyncGenerator<ModelMetric[]> {
    const folder = join(this.#folders.get(modelId)!, 'metrics');
    yield* inPieces(folder, (key, [timestamp, value, step, runUuid, name, digest]) => ({
      key,
      value: double(value),
      timestamp: int(timestamp, 0),
      step: int(step, 0),
      runUuid: text(runUuid),
      dataset_name: text(name),
      dataset_digest: text(digest),
    }));
  }

  /** The folder beside the metadata, whatever its location said before the whole folder moved. */
  async artifacts(owner: ArtifactOwner): Promise<ArtifactTree> {
    const folder = join(this.#folders.get(owner.id)!, 'artifacts');
    if ((await isFolder(folder)) && (await readdir(folder)).length > 0) return folderTree(folder);
    return this.#locations.find(owner);
  }

  async leftOut(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const models = await foldersWithMeta(join(this.#root, REGISTRY));
    if (models.length > 0) found.set('registered models', models.length);
    let traces = 0;
    for (const folder of await this.#experimentFolders()) traces += (await namesIn(join(folder, 'traces'))).length;
    if (traces > 0) found.set('traces', traces);
    return found;
  }

  close(): Promise<void> {
    return this.#locations.close();
  }

  async #experimentFolders(): Promise<string[]> {
    const active = (await foldersWithMeta(this.#root)).filter((folder) => folder !== join(this.#root, REGISTRY));
    return [...active, ...(await foldersWithMeta(join(this.#root, TRASH)))];
  }
}

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));
const textOrNull = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
const stageOf = ({ lifecycle_stage }: Meta): Stage => (lifecycle_stage === 'deleted' ? 'deleted' : 'active');

function int(value: unknown, otherwise: Int64): Int64 {
  if (value === null || value === undefined || value === '') return otherwise;
  const number = Number(value);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(String(value)) ? Math.trunc(number) : BigInt(String(value));
}
const intOrNull = (value: unknown): Int64 | null => (value === null || value === undefined ? null : int(value, 0));

/** As Python writes a float. */
const double = (value: string | undefined): number => {
  const sign = value?.startsWith('-') ? -1 : 1;
  return /^[+-]?inf/i.test(value ?? '') ? sign * Number.POSITIVE_INFINITY : Number(value);
};

const orNothing = (error: NodeJS.ErrnoException): never[] => {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
};

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(orNothing);
const mtime = async (file: string): Promise<number> => Math.trunc((await stat(file)).mtimeMs);

const readMeta = async (folder: string): Promise<Meta> => {
  const meta: unknown = parse(await readFile(join(folder, META), 'utf8'), { intAsBigInt: false });
  if (typeof meta !== 'object' || meta === null) throw invalid(`${join(folder, META)} is empty or broken.`);
  return meta as Meta;
};

/** Folders below that have a meta.yaml, by name. */
async function foldersWithMeta(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await namesIn(folder)).sort()) {
    const path = join(folder, name);
    if (await stat(join(path, META)).catch(() => null)) found.push(path);
  }
  return found;
}

/** Runs and nothing else: models, datasets and traces lie deeper. */
const runFolders = (experiment: string): Promise<string[]> => foldersWithMeta(experiment);

async function metasIn(folder: string): Promise<Meta[]> {
  return Promise.all((await foldersWithMeta(folder)).map(readMeta));
}

async function modelUses(folder: string, kind: string): Promise<ModelUse[]> {
  const metas = (await metasIn(folder)).filter(({ destination_type }) => destination_type === kind);
  return metas.map(({ destination_id, step }) => ({ model_id: text(destination_id), step: int(step, 0) }));
}

/** Files below a folder as keys: a slash in a key is a folder. */
async function keysBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(orNothing);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const readKeyed = async (folder: string): Promise<KeyValue[]> =>
  Promise.all(
    (await keysBelow(folder)).map(async (key) => ({ key, value: await readFile(join(folder, key), 'utf8') })),
  );

/** The size of each file below: metrics are only ever appended. */
async function sizes(folder: string): Promise<string> {
  const keys = await keysBelow(folder);
  const each = await Promise.all(keys.map(async (key) => `${key} ${(await stat(join(folder, key))).size}`));
  return each.join('\n');
}

/** The lines of all metrics, split at blanks. */
async function* inPieces<T>(folder: string, parseLine: (key: string, fields: string[]) => T): AsyncGenerator<T[]> {
  let piece: T[] = [];
  for (const key of await keysBelow(folder)) {
    for await (const line of createInterface({ input: createReadStream(join(folder, key)), crlfDelay: Infinity })) {
      if (line.trim() === '') continue;
      piece.push(parseLine(key, line.trim().split(/\s+/)));
      if (piece.length < POINTS_AT_ONCE) continue;
      yield piece;
      piece = [];
    }
  }
  if (piece.length > 0) yield piece;
}
