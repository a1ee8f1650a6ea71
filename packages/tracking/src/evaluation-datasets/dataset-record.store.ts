import { ids, invalid } from '@millrace/core';
import { type InsertSpec, list, type Reader, type SqlRow, sql, type Transactor } from '@millrace/db';
import type { Int64 } from '../runs/run.ts';
import {
  mergeRecord,
  newRecord,
  parseItems,
  printItems,
  type RecordState,
  type RecordsPosition,
  type SentRecord,
} from './dataset-record.ts';
import { parsePythonJson } from './python-json.ts';

/** Records that are looked up and written in one go. */
const WRITTEN_AT_ONCE = 500;
const RECORDS_AT_ONCE = 500;
/** Text of records in one piece, save for a record that is larger alone. */
const BYTES_AT_ONCE = 4 * 1024 * 1024;
/** Merging adds to a record for as long as it lives. */
const MAX_MERGED_LENGTH = 16 * 1024 * 1024;

const COLUMNS: InsertSpec['columns'] = [
  ['record_id', 'text'],
  ['dataset_id', 'int'],
  ['input_hash', 'text'],
  ['inputs', 'text'],
  ['outputs', 'text'],
  ['expectations', 'text'],
  ['tags', 'text'],
  ['source', 'text'],
  ['source_id', 'text'],
  ['source_type', 'text'],
  ['created_time', 'int'],
  ['last_update_time', 'int'],
  ['created_by', 'text'],
  ['last_updated_by', 'text'],
];

const upsert = (columns: readonly string[]): InsertSpec => ({
  table: 'evaluation_dataset_records',
  columns: COLUMNS,
  onConflict: `(dataset_id, input_hash) DO UPDATE SET ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`,
});

const MERGED = ['expectations', 'tags', 'last_update_time', 'last_updated_by'];
const KEEPING_OUTPUTS = upsert(MERGED);
const WITH_OUTPUTS = upsert([...MERGED, 'outputs']);

/** Inserts records, or merges them into those with the same inputs, one after the other. The dataset is held. */
export async function upsertRecords(
  tx: Transactor,
  dataset: number,
  records: readonly SentRecord[],
  now: number,
): Promise<{ inserted: number; updated: number }> {
  let inserted = 0;
  for (let start = 0; start < records.length; start += WRITTEN_AT_ONCE) {
    inserted += await upsertBatch(tx, dataset, records.slice(start, start + WRITTEN_AT_ONCE), now);
  }
  return { inserted, updated: records.length - inserted };
}

async function upsertBatch(tx: Transactor, dataset: number, records: readonly SentRecord[], now: number) {
  const states = await storedStates(tx, dataset, records);
  const fresh = new Map<string, SentRecord>();
  for (const record of records) {
    const state = states.get(record.inputHash);
    if (state !== undefined) {
      mergeRecord(state, record);
      continue;
    }
    fresh.set(record.inputHash, record);
    states.set(record.inputHash, newRecord(record));
  }
  const keeping: SqlRow[] = [];
  const replacing: SqlRow[] = [];
  for (const state of states.values()) {
    const row = rowOf(state, dataset, fresh.get(state.inputHash), now);
    (state.outputs === undefined ? keeping : replacing).push(row);
  }
  await tx.insert(KEEPING_OUTPUTS, keeping);
  await tx.insert(WITH_OUTPUTS, replacing);
  return fresh.size;
}

async function storedStates(tx: Transactor, dataset: number, records: readonly SentRecord[]) {
  const sent = new Map(records.map((record) => [record.inputHash, record]));
  // The plus hides the column from the index of a dataset's records, all of which a database without statistics would read.
  const rows = await tx.query<[string, string | null, string, string | null]>(
    sql`SELECT input_hash, expectations, tags, last_updated_by FROM evaluation_dataset_records
        WHERE +dataset_id = ${dataset} AND input_hash IN ${list([...sent.keys()])}`,
  );
  const parse = (json: string) => parseItems(parsePythonJson('records', json));
  return new Map<string, RecordState>(
    rows.map(([inputHash, expectations, tags, lastUpdatedBy]) => [
      inputHash,
      {
        inputHash,
        inputs: sent.get(inputHash)!.inputs,
        outputs: undefined,
        expectations: expectations === null ? null : parse(expectations),
        tags: parse(tags),
        lastUpdatedBy,
      },
    ]),
  );
}

/** What only a new record has is ignored where there is one with the same inputs. */
function rowOf(state: RecordState, dataset: number, fresh: SentRecord | undefined, now: number): SqlRow {
  const expectations = state.expectations === null ? null : printItems(state.expectations);
  const tags = printItems(state.tags);
  if (tags.length + (expectations?.length ?? 0) > MAX_MERGED_LENGTH) {
    throw invalid(
      `The expectations and tags of a record have more than ${MAX_MERGED_LENGTH} characters; its inputs: ${state.inputs.slice(0, 100).toWellFormed()}…`,
    );
  }
  return [
    `dr-${ids.hex()}`,
    dataset,
    state.inputHash,
    state.inputs,
    state.outputs ?? null,
    expectations,
    tags,
    fresh?.source?.json ?? null,
    fresh?.source?.id ?? null,
    fresh?.source?.type ?? null,
    now,
    now,
    fresh?.user ?? null,
    state.lastUpdatedBy,
  ];
}

/** How many of these records the dataset had. */
export async function removeRecords(tx: Transactor, dataset: number, recordIds: readonly string[]): Promise<number> {
  let removed = 0;
  for (let start = 0; start < recordIds.length; start += WRITTEN_AT_ONCE) {
    const { text, params } = sql`DELETE FROM evaluation_dataset_records WHERE +dataset_id = ${dataset}
      AND record_id IN ${list(recordIds.slice(start, start + WRITTEN_AT_ONCE))}`;
    removed += await tx.run(text, params);
  }
  return removed;
}

export interface RecordsPiece {
  /** Records as JSON with commas in between. */
  readonly text: string;
  /** Null where the page ends. */
  readonly next: RecordsPosition | null;
  /** The row of the last record of the page, where more follow it. */
  readonly last: number | null;
}

type RecordRow = [
  recordId: string,
  inputs: string,
  outputs: string | null,
  expectations: string | null,
  tags: string,
  source: string | null,
  sourceId: string | null,
  sourceType: string | null,
  createdTime: Int64,
  lastUpdateTime: Int64,
  createdBy: string | null,
  lastUpdatedBy: string | null,
];

/** The next records of a dataset in the order in which they came, as many as one piece holds. */
export async function recordsPiece(
  db: Reader,
  dataset: number,
  datasetId: string,
  { after, left }: RecordsPosition,
): Promise<RecordsPiece> {
  const limit = Math.min(left, RECORDS_AT_ONCE);
  const sizes = await db.query<[id: number, bytes: number]>(
    sql`SELECT id, octet_length(inputs) + COALESCE(octet_length(outputs), 0) + COALESCE(octet_length(expectations), 0)
          + octet_length(tags) + COALESCE(octet_length(source), 0)
        FROM evaluation_dataset_records WHERE dataset_id = ${dataset} AND id > ${after} ORDER BY id LIMIT ${limit + 1}`,
  );
  let bytes = 0;
  const full = sizes.findIndex((row) => {
    bytes += row[1];
    return bytes > BYTES_AT_ONCE;
  });
  const count = full < 0 ? Math.min(limit, sizes.length) : Math.min(limit, Math.max(full, 1));
  if (count === 0) return { text: '', next: null, last: null };
  const last = sizes[count - 1]![0];
  const rows = await db.query<RecordRow>(
    sql`SELECT record_id, inputs, outputs, expectations, tags, source, source_id, source_type, created_time,
          last_update_time, created_by, last_updated_by
        FROM evaluation_dataset_records WHERE dataset_id = ${dataset} AND id > ${after} AND id <= ${last} ORDER BY id`,
  );
  const more = sizes.length > count;
  return {
    text: rows.map((row) => recordText(datasetId, row)).join(','),
    next: more && left > count ? { after: last, left: left - count } : null,
    last: more && left === count ? last : null,
  };
}

function recordText(datasetId: string, row: RecordRow): string {
  const [recordId, inputs, outputs, expectations, tags, source, sourceId, sourceType, created, updated, ...users] = row;
  const [createdBy, lastUpdatedBy] = users;
  const fields: [name: string, json: string | null][] = [
    ['dataset_record_id', JSON.stringify(recordId)],
    ['dataset_id', JSON.stringify(datasetId)],
    ['inputs', inputs],
    ['outputs', outputs],
    ['expectations', expectations],
    ['tags', tags],
    ['source', source],
    ['source_id', quoted(sourceId)],
    ['source_type', quoted(sourceType)],
    ['created_time', String(created)],
    ['last_update_time', String(updated)],
    ['created_by', quoted(createdBy)],
    ['last_updated_by', quoted(lastUpdatedBy)],
  ];
  return `{${fields.flatMap(([name, json]) => (json === null ? [] : [`"${name}":${json}`])).join(',')}}`;
}

const quoted = (text: string | null): string | null => (text === null ? null : JSON.stringify(text));
