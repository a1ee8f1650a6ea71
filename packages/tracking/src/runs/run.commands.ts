import { appendToUri, invalid, missing } from '@millrace/core';
import { read, type Transactor, write } from '@millrace/db';
import { holdActiveExperiment } from '../experiments/experiment.store.ts';
import { once } from '../idempotency/once.store.ts';
import type { Once } from '../idempotency/once.ts';
import { makeKeyIds } from '../keys.store.ts';
import { appendMetrics, appendModelMetrics } from '../metrics/metric.store.ts';
import { deleteTag, dropDoc, holdActiveRun, holdRun, renames, writeParams, writeTags } from './run.store.ts';
import { type Int64, type KeyValue, LOGGED_MODELS_TAG, type MetricPoint, RUN_NAME_TAG, type RunStatus } from './run.ts';
import { assembleRuns, encodeRun, type RunInfo, readInfo } from './run-doc.store.ts';

export interface NewRun {
  readonly runUuid: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly startTime: Int64;
  readonly tags: readonly KeyValue[];
  readonly once?: Once | undefined;
}

/** Answers with the wire message Run as JSON. */
export const createRun = write(
  'runs.create',
  (tx, run: NewRun): Promise<string> => once(tx, 'runs.create', run.once, () => insertRun(tx, run)),
);

async function insertRun(tx: Transactor, run: NewRun): Promise<string> {
  const experiment = await holdActiveExperiment(tx, run.experimentId);
  const artifactUri = appendToUri(experiment.artifactLocation, run.runUuid, 'artifacts');
  await tx.run(
    `INSERT INTO runs (run_uuid, experiment_id, name, user_id, status, start_time, artifact_uri)
     VALUES (?, ?, ?, ?, 'RUNNING', ?, ?)`,
    [run.runUuid, experiment.id, run.name, run.userId, run.startTime, artifactUri],
  );
  const ref = await holdRun(tx, run.runUuid);
  await writeTags(tx, ref, run.tags);
  return encodeRun(await readInfo(tx, ref.id), { tags: run.tags });
}

export interface RunChange {
  readonly runUuid: string;
  readonly status?: RunStatus | undefined;
  readonly endTime?: Int64 | undefined;
  readonly name?: string | undefined;
}

/** Answers with the wire message RunInfo. */
export const updateRun = write('runs.update', async (tx, change: RunChange): Promise<RunInfo> => {
  const run = await holdActiveRun(tx, change.runUuid, 'to change');
  await tx.run('UPDATE runs SET status = COALESCE(?, status), end_time = COALESCE(?, end_time) WHERE id = ?', [
    change.status ?? null,
    change.endTime ?? null,
    run.id,
  ]);
  if (change.name !== undefined && change.name !== '') {
    await writeTags(tx, run, [{ key: RUN_NAME_TAG, value: change.name }]);
  }
  await dropDoc(tx, run);
  return readInfo(tx, run.id);
});

export const deleteRun = write('runs.delete', async (tx, input: { runUuid: string; now: number }): Promise<void> => {
  const run = await holdRun(tx, input.runUuid, 'to change');
  await tx.run("UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? WHERE id = ?", [input.now, run.id]);
  await dropDoc(tx, run);
});

export const restoreRun = write('runs.restore', async (tx, input: { runUuid: string }): Promise<void> => {
  const run = await holdRun(tx, input.runUuid, 'to change');
  await tx.run("UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL WHERE id = ?", [run.id]);
  await dropDoc(tx, run);
});

export interface Batch {
  readonly runUuid: string;
  readonly metrics: readonly MetricPoint[];
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
  /** One thing of a request of its own: refusals speak of it alone. */
  readonly single?: boolean;
}

/** All of it or nothing: params, metrics and tags of one request are one transaction. */
export const logBatch = write('runs.logBatch', async (tx, batch: Batch): Promise<void> => {
  const run = await holdActiveRun(tx, batch.runUuid, renames(batch.tags) ? 'to change' : 'to keep');
  // New keys of all kinds at once, and so in one order.
  await makeKeyIds(
    tx,
    [batch.params, batch.metrics, batch.tags].flatMap((items) => items.map(({ key }) => key)),
  );
  await writeParams(tx, run, batch.params, batch.single);
  await appendMetrics(tx, run, batch.metrics);
  await appendModelMetrics(tx, run, batch.metrics);
  await writeTags(tx, run, batch.tags);
  await dropDoc(tx, run);
});

export const removeTag = write('runs.deleteTag', async (tx, input: { runUuid: string; key: string }): Promise<void> => {
  const run = await holdActiveRun(tx, input.runUuid);
  await deleteTag(tx, run, input.key);
  await dropDoc(tx, run);
});

/** The models that a 2.x client logs are kept as a JSON list in one tag. */
export const logLegacyModel = write(
  'runs.logModel',
  async (tx, input: { runUuid: string; model: unknown }): Promise<void> => {
    // Reads the list and writes it back: nobody else may between.
    const run = await holdActiveRun(tx, input.runUuid, 'to change');
    const [row] = await tx.all<[string]>(
      'SELECT value FROM tags WHERE run_id = ? AND key_id = (SELECT id FROM keys WHERE name = ?)',
      [run.id, LOGGED_MODELS_TAG],
    );
    const history = row === undefined ? [] : asList(row[0]);
    await writeTags(tx, run, [{ key: LOGGED_MODELS_TAG, value: JSON.stringify([...history, input.model]) }]);
    await dropDoc(tx, run);
  },
);

/** The tag is an ordinary one, that a client may have overwritten. */
function asList(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // Falls through to the message below.
  }
  throw invalid(`Tag '${LOGGED_MODELS_TAG}' of the run holds no JSON list; delete the tag to log models again.`);
}

export interface ModelLink {
  readonly model_id: string;
  readonly step?: Int64 | undefined;
}

export const logOutputs = write(
  'runs.logOutputs',
  async (tx, input: { runUuid: string; models: readonly ModelLink[] }): Promise<void> => {
    const run = await holdActiveRun(tx, input.runUuid);
    await linkModels(tx, run.id, 1, input.models);
    await dropDoc(tx, run);
  },
);

export async function linkModels(tx: Transactor, runId: number, kind: 0 | 1, models: readonly ModelLink[]) {
  for (const { model_id, step } of models) {
    await tx.run(
      `INSERT INTO run_models (run_id, kind, model_id, step) VALUES (?, ?, ?, ?)
       ON CONFLICT (run_id, kind, model_id) DO UPDATE SET step = excluded.step`,
      [runId, kind, model_id, step ?? 0],
    );
  }
}

/** The ready-made JSON of a run, or null where it has to be put together: one index look-up. */
export const readRunDoc = read('runs.readDoc', async (db, runUuid: string): Promise<string | null> => {
  const [row] = await db.all<[string | null]>(
    "SELECT d.doc FROM runs r LEFT JOIN run_docs d ON d.run_id = r.id WHERE r.run_uuid = ? AND r.lifecycle_stage <> 'purging'",
    [runUuid],
  );
  if (row === undefined) throw missing(`Run with id=${runUuid} not found`);
  return row[0];
});

export const assembleRun = read('runs.assemble', async (db, runUuid: string): Promise<string> => {
  const [row] = await db.all<[number]>('SELECT id FROM runs WHERE run_uuid = ?', [runUuid]);
  const doc = row === undefined ? undefined : (await assembleRuns(db, [row[0]])).get(row[0]);
  if (doc === undefined) throw missing(`Run with id=${runUuid} not found`);
  return doc;
});

/** Makes the JSON of runs that were read without one. Holds each run, so that no change slips in between. */
export const refreshDocs = write('runs.refreshDocs', async (tx, runUuids: readonly string[]): Promise<void> => {
  const ids: number[] = [];
  // In one order, so that two servers that do the same never wait for each other in a circle.
  for (const runUuid of [...runUuids].sort()) {
    const [row] = await tx.all<[number]>(`SELECT id FROM runs WHERE run_uuid = ?${tx.forUpdate}`, [runUuid]);
    if (row !== undefined) ids.push(row[0]);
  }
  for (const [id, doc] of await assembleRuns(tx, ids)) {
    await tx.run(
      'INSERT INTO run_docs (run_id, doc) VALUES (?, ?) ON CONFLICT (run_id) DO UPDATE SET doc = excluded.doc',
      [id, doc],
    );
  }
});
