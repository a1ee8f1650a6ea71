import { decodePageToken, encodePageToken, missing, PAGE_SIZES } from '@millrace/core';
import { read, type Transactor, write } from '@millrace/db';
import type { KeyValue } from '../runs/run.ts';
import { checkPageSize } from '../runs/run-search.commands.ts';
import { type RecordsPiece, recordsPiece, removeRecords, upsertRecords } from './dataset-record.store.ts';
import type { RecordsPosition, SentRecord } from './dataset-record.ts';
import { mergeSchema, type SchemaNews } from './dataset-schema.ts';
import {
  datasetDocs,
  experimentNumbers,
  findDatasetRow,
  foreignToken,
  holdDataset,
  holdExperiments,
  linkExperiments,
  noDataset,
  unlinkExperiments,
  writeTags,
} from './evaluation-dataset.store.ts';
import { datasetDigest } from './evaluation-dataset.ts';

export interface NewDataset {
  readonly datasetId: string;
  readonly name: string;
  readonly tags: readonly KeyValue[];
  readonly user: string | null;
  readonly experimentIds: readonly string[];
  readonly now: number;
}

/** Answers with JSON of the wire message Dataset, as do the commands below that change a dataset's experiments. */
export const createEvaluationDataset = write('evaluationDatasets.create', async (tx, input: NewDataset) => {
  const { datasetId, name, user, now } = input;
  const experiments = await holdExperiments(tx, input.experimentIds);
  await tx.run(
    `INSERT INTO evaluation_datasets
       (dataset_id, name, digest, created_time, last_update_time, created_by, last_updated_by) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [datasetId, name, datasetDigest(name, now), now, now, user, user],
  );
  const id = (await findDatasetRow(tx, datasetId))!;
  await writeTags(tx, id, input.tags);
  await linkExperiments(tx, id, experiments, now);
  return (await datasetDocs(tx, [id], experiments)).get(id)!;
});

export const getEvaluationDataset = read('evaluationDatasets.get', async (db, datasetId: string): Promise<string> => {
  const id = await findDatasetRow(db, datasetId);
  const doc = id === undefined ? undefined : (await datasetDocs(db, [id])).get(id);
  if (doc === undefined) throw missing(`Evaluation dataset with id '${datasetId.slice(0, 100)}' not found`);
  return doc;
});

/** Deletes a dataset with its records; one that is gone already is no error. */
export const deleteEvaluationDataset = write(
  'evaluationDatasets.delete',
  async (tx, datasetId: string): Promise<void> => {
    await tx.run('DELETE FROM evaluation_datasets WHERE dataset_id = ?', [datasetId]);
  },
);

export const setEvaluationDatasetTags = write(
  'evaluationDatasets.setTags',
  async (tx, input: { datasetId: string; tags: readonly KeyValue[] }): Promise<void> => {
    const dataset = await holdDataset(tx, input.datasetId);
    if (dataset === undefined) {
      throw missing(`Could not find evaluation dataset with ID ${input.datasetId.slice(0, 100)}`);
    }
    await writeTags(tx, dataset.id, input.tags);
  },
);

/** Neither a tag nor a dataset that is gone already is an error. */
export const deleteEvaluationDatasetTag = write(
  'evaluationDatasets.deleteTag',
  async (tx, input: { datasetId: string; key: string }): Promise<void> => {
    await tx.run(
      `DELETE FROM evaluation_dataset_tags
       WHERE dataset_id = (SELECT id FROM evaluation_datasets WHERE dataset_id = ?) AND key = ?`,
      [input.datasetId, input.key],
    );
  },
);

export interface RecordsUpsert {
  readonly datasetId: string;
  readonly records: readonly SentRecord[];
  readonly schema: SchemaNews;
  /** Who the last record with a user is from. */
  readonly user: string | null;
  readonly now: number;
}

export const upsertDatasetRecords = write('evaluationDatasets.upsertRecords', async (tx, input: RecordsUpsert) => {
  const { records, now } = input;
  const dataset = await mustHold(tx, input.datasetId);
  const counts = await upsertRecords(tx, dataset.id, records, now);
  await tx.run(
    `UPDATE evaluation_datasets SET schema = ?, num_records = ?, digest = ?, last_update_time = ?, last_updated_by = ?
     WHERE id = ?`,
    [
      records.length === 0 ? dataset.schema : mergeSchema(dataset.schema, input.schema),
      records.length === 0 ? dataset.numRecords : (dataset.numRecords ?? 0) + counts.inserted,
      datasetDigest(dataset.name, now),
      now,
      input.user,
      dataset.id,
    ],
  );
  return counts;
});

/** Says how many records were deleted: as in MLflow, neither the digest nor the time of the last change moves. */
export const deleteDatasetRecords = write(
  'evaluationDatasets.deleteRecords',
  async (tx, input: { datasetId: string; recordIds: readonly string[] }): Promise<number> => {
    const dataset = await holdDataset(tx, input.datasetId);
    if (dataset === undefined) return 0;
    const removed = await removeRecords(tx, dataset.id, input.recordIds);
    if (removed > 0) {
      await tx.run('UPDATE evaluation_datasets SET num_records = num_records - ? WHERE id = ?', [removed, dataset.id]);
    }
    return removed;
  },
);

/** A piece whose text is ready to stand in a JSON string: records travel as one. */
export interface RecordsPage extends RecordsPiece {
  readonly dataset: number;
}

/** The first records of a page; null where there is no such dataset. */
export const getDatasetRecords = read(
  'evaluationDatasets.records',
  async (db, input: { datasetId: string; maxResults: number; pageToken: string }): Promise<RecordsPage | null> => {
    const { datasetId, maxResults, pageToken } = input;
    checkPageSize(maxResults, PAGE_SIZES.dataset_record.most);
    const after = pageToken === '' ? 0 : recordsStart(datasetId, pageToken);
    const dataset = await findDatasetRow(db, datasetId);
    if (dataset === undefined) return null;
    const piece = await recordsPiece(db, dataset, datasetId, { after, left: maxResults });
    return { ...piece, dataset, text: inString(piece.text) };
  },
);

/** What follows on the same page. */
export const getMoreDatasetRecords = read(
  'evaluationDatasets.moreRecords',
  async (db, input: { dataset: number; datasetId: string; position: RecordsPosition }): Promise<RecordsPage> => {
    const piece = await recordsPiece(db, input.dataset, input.datasetId, input.position);
    return { ...piece, dataset: input.dataset, text: inString(piece.text) };
  },
);

const inString = (text: string): string => JSON.stringify(text).slice(1, -1);

const recordsBinding = (datasetId: string) => ['dataset_records', datasetId] as const;

export const recordsToken = (datasetId: string, last: number): string =>
  encodePageToken([last], recordsBinding(datasetId));

function recordsStart(datasetId: string, token: string): number {
  const [after] = decodePageToken(token, recordsBinding(datasetId));
  if (!Number.isSafeInteger(after)) throw foreignToken();
  return after as number;
}

export const getDatasetExperimentIds = read(
  'evaluationDatasets.experimentIds',
  async (db, datasetId: string): Promise<string[]> => {
    const rows = await db.all<[number]>(
      `SELECT x.experiment_id FROM evaluation_dataset_experiments x JOIN evaluation_datasets d ON d.id = x.dataset_id
       WHERE d.dataset_id = ? ORDER BY x.created_time, x.experiment_id`,
      [datasetId],
    );
    return rows.map(([id]) => String(id));
  },
);

interface ExperimentLinks {
  readonly datasetId: string;
  readonly experimentIds: readonly string[];
  readonly now: number;
}

export const addDatasetToExperiments = write(
  'evaluationDatasets.addToExperiments',
  async (tx, { datasetId, experimentIds, now }: ExperimentLinks): Promise<string> => {
    const { id } = await mustHold(tx, datasetId);
    await linkExperiments(tx, id, await holdExperiments(tx, experimentIds), now);
    await touch(tx, id, now);
    return (await datasetDocs(tx, [id])).get(id)!;
  },
);

/** Experiments that the dataset is not in are no error. */
export const removeDatasetFromExperiments = write(
  'evaluationDatasets.removeFromExperiments',
  async (tx, { datasetId, experimentIds, now }: ExperimentLinks): Promise<string> => {
    const { id } = await mustHold(tx, datasetId);
    const removed = await unlinkExperiments(tx, id, experimentNumbers(experimentIds));
    if (removed > 0) await touch(tx, id, now);
    return (await datasetDocs(tx, [id])).get(id)!;
  },
);

async function mustHold(tx: Transactor, datasetId: string) {
  const dataset = await holdDataset(tx, datasetId);
  if (dataset === undefined) throw noDataset(datasetId);
  return dataset;
}

async function touch(tx: Transactor, id: number, now: number): Promise<void> {
  await tx.run('UPDATE evaluation_datasets SET last_update_time = ? WHERE id = ?', [now, id]);
}
