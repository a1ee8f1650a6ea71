import { hash } from 'node:crypto';
import { checkText, invalid } from '@millrace/core';
import type { Int64, KeyValue } from '../runs/run.ts';
import { type PythonJson, parsePythonJson, printPythonJson } from './python-json.ts';

/** The columns of MLflow's database are as wide. */
const MAX_NAME_LENGTH = 255;
const MAX_USER_LENGTH = 255;
const MAX_TAG_KEY_LENGTH = 255;
const MAX_TAG_VALUE_LENGTH = 5_000;

/** The tag that says who made a dataset or a record. */
export const USER_TAG = 'mlflow.user';

export interface EvaluationDataset {
  readonly id: number;
  readonly datasetId: string;
  readonly name: string;
  readonly digest: string;
  readonly schema: string | null;
  /** Null until the first record came. */
  readonly numRecords: number | null;
  readonly createdTime: Int64;
  readonly lastUpdateTime: Int64;
  readonly createdBy: string | null;
  readonly lastUpdatedBy: string | null;
}

/** MLflow's digest: it changes with every change of the records. */
export const datasetDigest = (name: string, lastUpdateTime: number): string =>
  hash('sha256', `${name}:${lastUpdateTime}`).slice(0, 8);

/** MLflow's profile: absent before the first record, JSON's null after the last. */
export const datasetProfile = (numRecords: number | null): string | undefined => {
  if (numRecords === null) return undefined;
  return numRecords === 0 ? 'null' : `{"num_records": ${numRecords}}`;
};

export function checkDatasetName(name: string): void {
  checkText('name', name);
  checkLength('name', name, MAX_NAME_LENGTH);
}

export function checkUser(field: string, user: string): void {
  checkText(field, user);
  checkLength(field, user, MAX_USER_LENGTH);
}

/** Tags from the JSON object that they travel as. A tag that is null is left out, any other value becomes text. */
export function datasetTags(json: string): KeyValue[] {
  const value = parsePythonJson('tags', json);
  if (value.kind !== 'object') throw invalid("Invalid value for 'tags': it must be a JSON object.");
  const tags: KeyValue[] = [];
  for (const [key, item] of value.entries) {
    const text = textOf(item);
    if (text === null) continue;
    checkText('tags', key);
    checkLength(`tags key '${key.slice(0, 100)}'`, key, MAX_TAG_KEY_LENGTH);
    checkText(`tags['${key}']`, text);
    checkLength(`tags['${key}']`, text, MAX_TAG_VALUE_LENGTH);
    tags.push({ key, value: text });
  }
  return tags;
}

/** A JSON value as Python's `str` prints it; an object or array stays JSON, null is no text. */
export function textOf(value: PythonJson): string | null {
  switch (value.kind) {
    case 'null':
      return null;
    case 'boolean':
      return value.text === 'true' ? 'True' : 'False';
    case 'object':
    case 'array':
      return printPythonJson(value);
    default:
      return value.text;
  }
}

function checkLength(field: string, text: string, limit: number): void {
  if (text.length > limit && Array.from(text).length > limit) {
    throw invalid(`'${field}' exceeds the maximum length of ${limit} characters`);
  }
}
