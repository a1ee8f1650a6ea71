import { checkText, type FilterNode, type FilterValue, invalid } from '@millrace/core';
import type { Int64, KeyValue } from '../runs/run.ts';

/** As the wire names them; the place is the number that is stored. */
export const MODEL_STATUSES = [
  'LOGGED_MODEL_STATUS_UNSPECIFIED',
  'LOGGED_MODEL_PENDING',
  'LOGGED_MODEL_READY',
  'LOGGED_MODEL_UPLOAD_FAILED',
] as const;

/** The database of MLflow holds keys of params and tags of this length. */
const MAX_KEY_LENGTH = 255;
const MAX_TYPE_LENGTH = 500;
/** As long as a run id may be. */
const MAX_SOURCE_RUN_ID_LENGTH = 256;

export interface LoggedModel {
  readonly id: number;
  readonly modelId: string;
  readonly experimentId: number;
  readonly name: string;
  readonly artifactLocation: string;
  readonly creationTime: Int64;
  readonly lastUpdateTime: Int64;
  readonly status: number;
  readonly statusMessage: string | null;
  readonly modelType: string | null;
  readonly sourceRunId: string | null;
}

interface SentItem {
  readonly key?: string;
  readonly value?: string;
}

/** Params or tags of a model. Keys are free text there, unlike those of runs; what is absent is empty. */
export const modelItems = (field: 'params' | 'tags', items: readonly SentItem[]): KeyValue[] =>
  items.map(({ key = '', value = '' }, i) => {
    checkText(`${field}[${i}].key`, key);
    checkText(`${field}[${i}].value`, value);
    checkLength(`${field}[${i}].key`, key, MAX_KEY_LENGTH);
    return { key, value };
  });

export function checkModelType(type: string): void {
  checkText('model_type', type);
  checkLength('model_type', type, MAX_TYPE_LENGTH);
}

/** The run need not exist: a model may outlive it, or come from elsewhere. */
export function checkSourceRunId(id: string): void {
  checkText('source_run_id', id);
  checkLength('source_run_id', id, MAX_SOURCE_RUN_ID_LENGTH);
}

function checkLength(path: string, text: string, limit: number): void {
  if (text.length > limit && Array.from(text).length > limit) {
    throw invalid(`'${path}' exceeds the maximum length of ${limit} characters`);
  }
}

const STATUS_NAMES = MODEL_STATUSES.map((status) => status.replace('LOGGED_MODEL_', ''));

/** A model's status as filters name it: `READY`. */
export const STATUS_SQL = `CASE l.status ${STATUS_NAMES.map((name, i) => `WHEN ${i} THEN '${name}'`).join(' ')} ELSE '' END`;

/** A filter may call a status READY as Python does, LOGGED_MODEL_READY as the wire does, or 2 as MLflow stores it. */
export function withStatusNames(node: FilterNode): FilterNode {
  switch (node.kind) {
    case 'not':
      return { ...node, item: withStatusNames(node.item) };
    case 'and':
    case 'or':
      return { ...node, items: node.items.map(withStatusNames) };
    case 'compare': {
      const { field, value } = node;
      return field.type === 'attribute' && field.key === 'status' ? { ...node, value: statusName(value) } : node;
    }
  }
}

function statusName(value: FilterValue): FilterValue {
  if (Array.isArray(value)) return value.map((item: string) => statusName(item) as string);
  if (typeof value !== 'string') return value;
  return STATUS_NAMES[/^[0-3]$/.test(value) ? Number(value) : -1] ?? value.replace(/^LOGGED_MODEL_/, '');
}
