import { hash } from 'node:crypto';
import { checkText, type DomainError, invalid } from '@millrace/core';
import { checkUser, textOf, USER_TAG } from './evaluation-dataset.ts';
import { type PythonJson, printPythonJson } from './python-json.ts';

const SOURCE_TYPES: readonly string[] = ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE'];
const SOURCE_KEYS: readonly string[] = ['source_type', 'source_data'];

/** A JSON object as its keys and the JSON of each value. */
type Items = readonly (readonly [key: string, json: string])[];

export interface RecordSource {
  readonly type: string;
  readonly id: string | null;
  readonly json: string;
}

/** A record as it was sent, read but for its values, which stay JSON. */
export interface SentRecord {
  /** SHA-256 of the inputs with sorted keys: MLflow's, so that records from its database are known again. */
  readonly inputHash: string;
  readonly inputs: string;
  /** Undefined where the record does not mention them, null where it takes them away. */
  readonly outputs: string | null | undefined;
  readonly expectations: Items | null;
  readonly tags: Items;
  readonly source: RecordSource | null;
  /** Who the tags say it is from; undefined where they do not. */
  readonly user: string | null | undefined;
}

/** A record as it is stored; null stands for what a record may lack. */
export interface RecordState {
  readonly inputHash: string;
  readonly inputs: string;
  /** Undefined where the stored outputs stay. */
  outputs: string | null | undefined;
  expectations: Map<string, string> | null;
  readonly tags: Map<string, string>;
  lastUpdatedBy: string | null;
}

/** @param field what messages call the record, e.g. `records[3]`. */
export function readRecord(field: string, sent: PythonJson): SentRecord {
  if (sent.kind !== 'object') throw mustBeObject(field);
  const { entries } = sent;
  const inputs = entries.get('inputs') ?? EMPTY;
  if (inputs.kind !== 'object') throw mustBeObject(`${field}.inputs`);
  const outputs = entries.get('outputs');
  const tags = objectOrNull(`${field}.tags`, entries.get('tags'));
  const user = tags?.get(USER_TAG);
  return {
    inputHash: hash('sha256', printPythonJson(inputs, { sortKeys: true, ascii: true })),
    inputs: printPythonJson(inputs),
    outputs: outputs === undefined ? undefined : outputs.kind === 'null' ? null : printPythonJson(outputs),
    expectations: itemsOf(objectOrNull(`${field}.expectations`, entries.get('expectations'))),
    tags: itemsOf(tags) ?? [],
    source: readSource(`${field}.source`, objectOrNull(`${field}.source`, entries.get('source'))),
    user: user === undefined ? undefined : readUser(`${field}.tags['${USER_TAG}']`, user),
  };
}

/** A record that was not there before. One that says nothing of outputs has empty ones. */
export const newRecord = (sent: SentRecord): RecordState => ({
  inputHash: sent.inputHash,
  inputs: sent.inputs,
  outputs: sent.outputs === undefined ? '{}' : sent.outputs,
  expectations: sent.expectations === null ? null : new Map(sent.expectations),
  tags: new Map(sent.tags),
  lastUpdatedBy: sent.user ?? null,
});

/** Outputs are replaced where the sent record mentions them; expectations and tags come on top, key by key. */
export function mergeRecord(state: RecordState, sent: SentRecord): void {
  if (sent.outputs !== undefined) state.outputs = sent.outputs;
  if (sent.expectations !== null && sent.expectations.length > 0) {
    state.expectations ??= new Map();
    for (const [key, json] of sent.expectations) state.expectations.set(key, json);
  }
  for (const [key, json] of sent.tags) state.tags.set(key, json);
  if (sent.user !== undefined) state.lastUpdatedBy = sent.user;
}

export const printItems = (items: ReadonlyMap<string, string>): string =>
  `{${Array.from(items, ([key, json]) => `${JSON.stringify(key)}: ${json}`).join(', ')}}`;

export function parseItems(object: PythonJson): Map<string, string> {
  return new Map(object.kind === 'object' ? itemsOf(object.entries) : []);
}

const EMPTY: PythonJson = { kind: 'object', entries: new Map() };
const NULL: PythonJson = { kind: 'null', text: 'null' };

type Entries = ReadonlyMap<string, PythonJson>;

function itemsOf(entries: Entries): Items;
function itemsOf(entries: Entries | null): Items | null;
function itemsOf(entries: Entries | null): Items | null {
  return entries === null ? null : Array.from(entries, ([key, value]) => [key, printPythonJson(value)] as const);
}

function objectOrNull(field: string, value: PythonJson | undefined): Entries | null {
  if (value === undefined || value.kind === 'null') return null;
  if (value.kind !== 'object') throw mustBeObject(field);
  return value.entries;
}

const mustBeObject = (field: string): DomainError => invalid(`Invalid value for '${field}': it must be a JSON object.`);

function readUser(field: string, value: PythonJson): string | null {
  const user = textOf(value);
  if (user !== null) checkUser(field, user);
  return user;
}

function readSource(field: string, entries: Entries | null): RecordSource | null {
  if (entries === null || entries.size === 0) return null;
  const unknown = [...entries.keys()].find((key) => !SOURCE_KEYS.includes(key));
  if (unknown !== undefined) {
    throw invalid(`Invalid value for '${field}': '${unknown.slice(0, 100)}' is none of ${SOURCE_KEYS.join(', ')}.`);
  }
  const sentType = entries.get('source_type');
  if (sentType?.kind !== 'string') throw invalid(`Invalid value for '${field}.source_type': it must be a string.`);
  const type = sentType.text.toUpperCase();
  if (!SOURCE_TYPES.includes(type)) {
    throw invalid(
      `Invalid dataset record source type: ${type.slice(0, 100)}. Valid source types: [${SOURCE_TYPES.map((known) => `'${known}'`).join(', ')}]`,
    );
  }
  const data = objectOrNull(`${field}.source_data`, entries.get('source_data')) ?? new Map<string, PythonJson>();
  const idKey = type === 'TRACE' ? 'trace_id' : 'source_id';
  const id = textOf(data.get(idKey) ?? NULL);
  if (id !== null) checkText(`${field}.source_data.${idKey}`, id);
  const dataJson = printPythonJson({ kind: 'object', entries: data });
  return { type, id, json: `{"source_type": "${type}", "source_data": ${dataJson}}` };
}

/** Where a page of records goes on: behind the record of this row, for so many more. */
export interface RecordsPosition {
  readonly after: number;
  readonly left: number;
}
