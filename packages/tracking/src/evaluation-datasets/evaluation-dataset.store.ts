import { invalid, missing } from '@millrace/core';
import { type InsertSpec, list, type Reader, raw, sql, type Transactor } from '@millrace/db';
import { experimentIdOf } from '../experiments/experiment.store.ts';
import type { Int64, KeyValue } from '../runs/run.ts';
import { encode } from '../runs/run-doc.store.ts';
import { amongIds } from '../search/page.ts';
import { datasetProfile, type EvaluationDataset } from './evaluation-dataset.ts';

/** A dataset's tags are read and sent whole. */
const MAX_TAGS = 1_000;
const DATASETS_AT_ONCE = 100;
/** Schemas in one piece of text. */
const BYTES_AT_ONCE = 4 * 1024 * 1024;

type DatasetRow = [
  id: number,
  datasetId: string,
  name: string,
  digest: string,
  schema: string | null,
  numRecords: number | null,
  createdTime: Int64,
  lastUpdateTime: Int64,
  createdBy: string | null,
  lastUpdatedBy: string | null,
];

const COLUMNS = `d.id, d.dataset_id, d.name, d.digest, d.schema, d.num_records, d.created_time, d.last_update_time,
  d.created_by, d.last_updated_by`;

function toDataset(row: DatasetRow): EvaluationDataset {
  const [id, datasetId, name, digest, schema, numRecords, createdTime, lastUpdateTime, createdBy, lastUpdatedBy] = row;
  return {
    id,
    datasetId,
    name,
    digest,
    schema,
    numRecords,
    createdTime,
    lastUpdateTime,
    createdBy,
    lastUpdatedBy,
  };
}

export const noDataset = (datasetId: string) => missing(`Dataset '${datasetId.slice(0, 100)}' not found`);

/** A token that is no work of ours, however well made. */
export const foreignToken = () => invalid('Invalid page token: it is not one that this server gave out.');

/** The number of a dataset's row, or undefined where there is none. */
export async function findDatasetRow(db: Reader, datasetId: string): Promise<number | undefined> {
  const [row] = await db.all<[number]>('SELECT id FROM evaluation_datasets WHERE dataset_id = ?', [datasetId]);
  return row?.[0];
}

/** The dataset, held by this transaction alone: all changes of one dataset take turns. */
export async function holdDataset(tx: Transactor, datasetId: string): Promise<EvaluationDataset | undefined> {
  const [row] = await tx.all<DatasetRow>(
    `SELECT ${COLUMNS} FROM evaluation_datasets d WHERE d.dataset_id = ?${tx.forUpdate}`,
    [datasetId],
  );
  return row === undefined ? undefined : toDataset(row);
}

const TAGS: InsertSpec = {
  table: 'evaluation_dataset_tags',
  columns: [
    ['dataset_id', 'int'],
    ['key', 'text'],
    ['value', 'text'],
  ],
  onConflict: '(dataset_id, key) DO UPDATE SET value = excluded.value',
};

export async function writeTags(tx: Transactor, id: number, tags: readonly KeyValue[]): Promise<void> {
  await tx.insert(
    TAGS,
    tags.map(({ key, value }) => [id, key, value]),
  );
  const [row] = await tx.all<[number]>('SELECT count(*) FROM evaluation_dataset_tags WHERE dataset_id = ?', [id]);
  if (row![0] > MAX_TAGS) throw invalid(`An evaluation dataset has at most ${MAX_TAGS} tags.`);
}

const LINKS: InsertSpec = {
  table: 'evaluation_dataset_experiments',
  columns: [
    ['dataset_id', 'int'],
    ['experiment_id', 'int'],
    ['created_time', 'int'],
  ],
  onConflict: '(dataset_id, experiment_id) DO NOTHING',
};

/** The numbers of experiments that must exist, which stay until the transaction ends; a deleted one counts. */
export async function holdExperiments(tx: Transactor, experimentIds: readonly string[]): Promise<Int64[]> {
  const wanted = [...new Set(experimentIds)];
  const numbers = experimentNumbers(wanted);
  const rows = await tx.query<[number]>(
    sql`SELECT id FROM experiments WHERE ${amongIds(raw('id'), numbers, tx.dialect)} ORDER BY id${raw(tx.forShare)}`,
  );
  const found = new Set(rows.map(([id]) => String(id)));
  const absent = wanted.find((id) => !found.has(id));
  if (absent !== undefined) throw missing(`No Experiment with id=${absent.slice(0, 100)}`);
  return numbers;
}

/** Those experiment ids that can be one: whatever else was sent names no experiment. */
export const experimentNumbers = (experimentIds: readonly string[]): Int64[] =>
  experimentIds.filter((id) => /^(?:0|[1-9]\d{0,17})$/.test(id)).map(experimentIdOf);

export async function linkExperiments(
  tx: Transactor,
  id: number,
  experiments: readonly Int64[],
  now: number,
): Promise<void> {
  await tx.insert(
    LINKS,
    experiments.map((experiment) => [id, experiment, now]),
  );
}

/** How many of these experiments the dataset was in. */
export async function unlinkExperiments(tx: Transactor, id: number, experiments: readonly Int64[]): Promise<number> {
  const { text, params } = sql`DELETE FROM evaluation_dataset_experiments
    WHERE dataset_id = ${id} AND ${amongIds(raw('experiment_id'), experiments, tx.dialect)}`;
  return tx.run(text, params);
}

/** Part of the JSON of a list of datasets, and the place in the list where the next part begins. */
export interface DatasetsPiece {
  readonly text: string;
  readonly next: number | null;
}

/** Datasets as JSON of the wire message Dataset with commas in between, as many as one piece holds. */
export async function datasetsPiece(db: Reader, ids: readonly number[], start: number): Promise<DatasetsPiece> {
  const wanted = ids.slice(start, start + DATASETS_AT_ONCE);
  const sizes = new Map(
    await db.query<[number, number]>(
      sql`SELECT id, COALESCE(octet_length(schema), 0) FROM evaluation_datasets WHERE id IN ${list(wanted)}`,
    ),
  );
  let bytes = 0;
  const full = wanted.findIndex((id) => {
    bytes += sizes.get(id) ?? 0;
    return bytes > BYTES_AT_ONCE;
  });
  const batch = full < 0 ? wanted : wanted.slice(0, Math.max(full, 1));
  const docs = await datasetDocs(db, batch);
  const texts = batch.map((id) => docs.get(id)).filter((text) => text !== undefined);
  const next = start + batch.length;
  return { text: texts.join(','), next: next < ids.length ? next : null };
}

/** Each dataset as JSON of the wire message Dataset; one that was deleted meanwhile is absent. */
export async function datasetDocs(
  db: Reader,
  ids: readonly number[],
  experimentIds?: readonly Int64[],
): Promise<Map<number, string>> {
  const rows = await db.query<DatasetRow>(
    sql`SELECT ${raw(COLUMNS)} FROM evaluation_datasets d WHERE d.id IN ${list(ids)}`,
  );
  const tags = new Map<number, [string, string][]>();
  for (const [id, key, value] of await db.query<[number, string, string]>(
    sql`SELECT dataset_id, key, value FROM evaluation_dataset_tags WHERE dataset_id IN ${list(ids)}
        ORDER BY dataset_id, key`,
  )) {
    const own = tags.get(id);
    if (own === undefined) tags.set(id, [[key, value]]);
    else own.push([key, value]);
  }
  return new Map(
    rows.map(toDataset).map((dataset) => [
      dataset.id,
      encode({
        dataset_id: dataset.datasetId,
        name: dataset.name,
        tags: JSON.stringify(Object.fromEntries(tags.get(dataset.id) ?? [])),
        schema: dataset.schema ?? undefined,
        profile: datasetProfile(dataset.numRecords),
        digest: dataset.digest,
        created_time: dataset.createdTime,
        last_update_time: dataset.lastUpdateTime,
        created_by: dataset.createdBy ?? undefined,
        last_updated_by: dataset.lastUpdatedBy ?? undefined,
        experiment_ids: experimentIds?.length ? experimentIds.map(String) : undefined,
      }),
    ]),
  );
}
