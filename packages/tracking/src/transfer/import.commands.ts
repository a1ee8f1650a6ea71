import { appendToUri } from '@millrace/core';
import { list, read, sql, type Transactor, write } from '@millrace/db';
import type { DatasetInput } from '../datasets/dataset.commands.ts';
import { countExperimentId, experimentIdOf, nextExperimentId } from '../experiments/experiment.store.ts';
import { appendMetrics } from '../metrics/metric.store.ts';
import { linkModels } from '../runs/run.commands.ts';
import { dropDoc, holdRun, writeParams, writeTags } from '../runs/run.store.ts';
import type { Int64, KeyValue, MetricPoint, RunRef } from '../runs/run.ts';
import { type ImportKind, mark } from './imports.store.ts';
import type { ExperimentRecord, RunRecord } from './records.ts';

/** What the imports of one source know of an entity. */
export interface Imported {
  readonly targetId: string;
  readonly digest: string;
}

/** The entities of these ids that were imported from this source before. */
export const findImported = read(
  'imports.find',
  async (db, input: { source: string; kind: ImportKind; ids: readonly string[] }): Promise<Map<string, Imported>> => {
    const rows = await db.query<[string, string, string]>(
      sql`SELECT source_id, target_id, digest FROM imports
          WHERE source = ${input.source} AND kind = ${input.kind} AND source_id IN ${list(input.ids)}`,
    );
    return new Map(rows.map(([id, targetId, digest]) => [id, { targetId, digest }]));
  },
);

/** Of these runs or models the ones that are in the target although no import brought them. */
export const findOwn = read(
  'imports.findOwn',
  async (db, input: { kind: 'run' | 'model'; ids: readonly string[] }): Promise<Set<string>> => {
    const found =
      input.kind === 'run'
        ? sql`SELECT run_uuid FROM runs t WHERE lifecycle_stage <> 'purging' AND run_uuid IN ${list(input.ids)}`
        : sql`SELECT model_id FROM logged_models t WHERE model_id IN ${list(input.ids)}`;
    const own = new Set((await db.query<[string]>(found)).flat());
    const imported = await db.query<[string]>(
      sql`SELECT source_id FROM imports WHERE kind = ${input.kind} AND source_id IN ${list(input.ids)}`,
    );
    for (const [id] of imported) own.delete(id);
    return own;
  },
);

export interface ExperimentImport {
  readonly source: string;
  readonly record: ExperimentRecord;
  /** Its artifacts stay where they are. */
  readonly keepLocation: boolean;
  readonly artifactRoot: string;
  readonly digest: string;
  readonly now: number;
}

export interface ImportedExperiment {
  readonly id: Int64;
  readonly name: string;
  readonly artifactLocation: string;
}

/** Makes the experiment, finds the same one in the target, or brings one that was imported before up to date. */
export const importExperiment = write(
  'imports.experiment',
  async (tx, input: ExperimentImport): Promise<ImportedExperiment> => {
    const { source, record, digest, now } = input;
    const known = await findTarget(tx, source, record.id);
    const id = known?.id ?? (await findSame(tx, record)) ?? (await createExperimentRow(tx, input));
    if (known?.digest !== digest) {
      if (known !== undefined) await updateExperimentRow(tx, known.id, record);
      await writeExperimentTags(tx, id, record.tags);
      await mark(tx, { source, kind: 'experiment', sourceId: record.id, targetId: String(id), digest, now });
    }
    const [row] = await tx.all<[string, string]>('SELECT name, artifact_location FROM experiments WHERE id = ?', [id]);
    return { id, name: row![0], artifactLocation: row![1] };
  },
);

async function findTarget(tx: Transactor, source: string, sourceId: string) {
  const [known] = await tx.all<[string, string]>(
    "SELECT target_id, digest FROM imports WHERE source = ? AND kind = 'experiment' AND source_id = ?",
    [source, sourceId],
  );
  if (known === undefined) return undefined;
  // It may have been removed for good since.
  const [row] = await tx.all<[number]>('SELECT id FROM experiments WHERE id = ?', [experimentIdOf(known[0])]);
  return row === undefined ? undefined : { id: row[0], digest: known[1] };
}

async function updateExperimentRow(tx: Transactor, id: Int64, record: ExperimentRecord): Promise<void> {
  await tx.run('UPDATE experiments SET name = ?, lifecycle_stage = ?, last_update_time = ? WHERE id = ?', [
    await freeName(tx, record.name, id),
    record.stage,
    record.lastUpdateTime,
    id,
  ]);
}

async function writeExperimentTags(tx: Transactor, id: Int64, tags: readonly KeyValue[]): Promise<void> {
  for (const { key, value } of tags) {
    await tx.run(
      `INSERT INTO experiment_tags (experiment_id, key, value) VALUES (?, ?, ?)
       ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value`,
      [id, key, value],
    );
  }
}

/** Same name and creation time; the default experiment is there from the start, and is always the same. */
async function findSame(tx: Transactor, record: ExperimentRecord): Promise<Int64 | undefined> {
  const [row] = await tx.all<[Int64, number]>(
    "SELECT id, creation_time FROM experiments WHERE workspace = 'default' AND name = ?",
    [record.name],
  );
  if (row === undefined) return undefined;
  const [id, creationTime] = row;
  return creationTime === record.creationTime || (id === 0 && record.id === '0') ? id : undefined;
}

async function createExperimentRow(tx: Transactor, { record, keepLocation, artifactRoot }: ExperimentImport) {
  const name = await freeName(tx, record.name, null);
  const columns = [name, record.stage, record.creationTime, record.lastUpdateTime];
  const wanted = experimentIdOf(record.id);
  const isFree = (await tx.all('SELECT 1 FROM experiments WHERE id = ?', [wanted])).length === 0;
  const id = isFree ? wanted : await nextExperimentId(tx);
  await tx.run(
    `INSERT INTO experiments (id, name, lifecycle_stage, creation_time, last_update_time, artifact_location)
     VALUES (?, ?, ?, ?, ?, '')`,
    [id, ...columns],
  );
  await countExperimentId(tx, id);
  const location = keepLocation ? record.artifactLocation : appendToUri(artifactRoot, String(id));
  await tx.run('UPDATE experiments SET artifact_location = ? WHERE id = ?', [location, id]);
  return id;
}

/** The name, or the first of `name (imported)`, `name (imported 2)`, … that no other experiment has. */
async function freeName(tx: Transactor, name: string, own: Int64 | null): Promise<string> {
  for (let n = 0; ; n++) {
    const candidate = n === 0 ? name : n === 1 ? `${name} (imported)` : `${name} (imported ${n})`;
    const [taken] = await tx.all<[number]>("SELECT id FROM experiments WHERE workspace = 'default' AND name = ?", [
      candidate,
    ]);
    if (taken === undefined || taken[0] === own) return candidate;
  }
}

/** A piece of a run: its points, and with the last piece all the rest. */
export interface RunImport {
  readonly source: string;
  readonly record: RunRecord;
  readonly experimentId: Int64;
  readonly artifactUri: string;
  readonly points: readonly MetricPoint[];
  readonly isLast: boolean;
  readonly digest: string;
  readonly now: number;
}

/**
 * Adds to the target's run until it equals the source's. A new run is nobody's until its last piece is in, so that none is
 * ever seen in part.
 */
export const importRun = write('imports.run', async (tx, input: RunImport): Promise<void> => {
  const { record, experimentId, isLast } = input;
  await tx.run(
    `INSERT INTO runs (run_uuid, experiment_id, name, user_id, status, start_time, artifact_uri, lifecycle_stage)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'purging') ON CONFLICT (run_uuid) DO NOTHING`,
    [record.runUuid, experimentId, record.name, record.userId, record.status, record.startTime, input.artifactUri],
  );
  const run = await holdImported(tx, record.runUuid);
  await appendMetrics(tx, run, input.points);
  if (!isLast) return;
  await tx.run(
    `UPDATE runs SET user_id = ?, status = ?, start_time = ?, end_time = ?, deleted_time = ?, lifecycle_stage = ?,
       artifact_uri = ? WHERE id = ?`,
    [
      record.userId,
      record.status,
      record.startTime,
      record.endTime,
      record.stage === 'deleted' ? (record.deletedTime ?? input.now) : null,
      record.stage,
      input.artifactUri,
      run.id,
    ],
  );
  if (run.startTime !== record.startTime) {
    await tx.run('UPDATE latest_metrics SET start_time = ? WHERE run_id = ?', [record.startTime, run.id]);
  }
  await replaceDetails(tx, await holdRun(tx, record.runUuid), record);
  await dropDoc(tx, run);
  const { source, digest, now } = input;
  await mark(tx, { source, kind: 'run', sourceId: record.runUuid, targetId: record.runUuid, digest, now });
});

async function holdImported(tx: Transactor, runUuid: string): Promise<RunRef> {
  const [row] = await tx.all<[number, number, number, RunRef['lifecycleStage']]>(
    `SELECT id, experiment_id, start_time, lifecycle_stage FROM runs WHERE run_uuid = ?${tx.forShare}`,
    [runUuid],
  );
  const [id, experimentId, startTime, lifecycleStage] = row!;
  return { id, runUuid, experimentId, startTime, lifecycleStage };
}

async function replaceDetails(tx: Transactor, run: RunRef, record: RunRecord): Promise<void> {
  for (const table of ['params', 'tags', 'run_datasets', 'run_models']) {
    await tx.run(`DELETE FROM ${table} WHERE run_id = ?`, [run.id]);
  }
  await writeParams(tx, run, record.params);
  await writeTags(tx, run, record.tags);
  // The tag of the name and the name can differ in old databases; the name is what clients see.
  await tx.run('UPDATE runs SET name = ? WHERE id = ?', [record.name, run.id]);
  await writeDatasets(tx, run, record.datasets);
  await linkModels(tx, run.id, 0, record.modelInputs);
  await linkModels(tx, run.id, 1, record.modelOutputs);
}

const CONTEXT_TAG = 'mlflow.data.context';

async function writeDatasets(tx: Transactor, run: RunRef, inputs: readonly DatasetInput[]): Promise<void> {
  for (const { dataset, tags = [] } of inputs) {
    const { name, digest, source_type, source, schema = null, profile = null } = dataset;
    await tx.run(
      `INSERT INTO datasets (experiment_id, name, digest, source_type, source, schema, profile)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (experiment_id, name, digest) DO NOTHING`,
      [run.experimentId, name, digest, source_type, source, schema, profile],
    );
    await tx.run(
      `INSERT INTO run_datasets (run_id, dataset_id, tags, context)
       SELECT ?, id, ?, ? FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?
       ON CONFLICT (run_id, dataset_id) DO NOTHING`,
      [
        run.id,
        JSON.stringify(tags.map(({ key, value }: KeyValue) => ({ key, value }))),
        tags.find(({ key }) => key === CONTEXT_TAG)?.value ?? null,
        run.experimentId,
        name,
        digest,
      ],
    );
  }
}
