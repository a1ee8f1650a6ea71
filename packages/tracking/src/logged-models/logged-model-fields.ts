import type { FilterField } from '@millrace/core';
import { join, raw, type Sql, sql } from '@millrace/db';
import type { Condition, FieldSql } from '../search/filter-sql.ts';
import { STATUS_SQL } from './logged-model.ts';

/** A dataset that metrics were logged with; without a digest, every version of it. */
export interface DatasetFilter {
  readonly name: string;
  readonly digest: string;
}

const ATTRIBUTES: Record<string, string> = {
  name: 'l.name',
  model_id: 'l.model_id',
  model_type: 'l.model_type',
  status: 'l.status',
  source_run_id: 'l.source_run_id',
  creation_timestamp: 'l.creation_time',
  last_updated_timestamp: 'l.last_update_time',
};
const NULLABLE: ReadonlySet<string> = new Set(['model_type', 'source_run_id']);

export const modelAttribute = (key: string) => ({ column: raw(ATTRIBUTES[key]!), nullable: NULLABLE.has(key) });

/** ` AND …`: that a metric `x` was logged with one of the datasets, or nothing where none is asked for. */
export function onDatasets(datasets: readonly DatasetFilter[]): Sql {
  if (datasets.length === 0) return raw('');
  const any = datasets.map(({ name, digest }) =>
    digest === '' ? sql`x.dataset_name = ${name}` : sql`(x.dataset_name = ${name} AND x.dataset_digest = ${digest})`,
  );
  return sql` AND (${join(any, ' OR ')})`;
}

/** What filters find of a logged model `l`. A metric matches by any of its points. */
export class ModelFields implements FieldSql {
  readonly #onDatasets: Sql;

  constructor(datasets: readonly DatasetFilter[]) {
    this.#onDatasets = onDatasets(datasets);
  }

  attribute(key: string) {
    return key === 'status' ? { column: sql`(${raw(STATUS_SQL)})`, nullable: false } : modelAttribute(key);
  }

  has(field: FilterField, condition: Condition | null, numeric: boolean): Sql {
    const matching = condition === null ? raw('') : sql` AND ${condition(raw(numeric ? 'x.number' : 'x.value'))}`;
    if (field.type !== 'metric') return this.#exists(`logged_model_${field.type}s`, field, matching);
    const real = condition === null ? raw('') : raw(' AND x.is_nan = 0');
    return this.#exists('logged_model_metrics', field, sql`${real}${matching}${this.#onDatasets}`);
  }

  isNan(field: FilterField): Sql {
    return this.#exists('logged_model_metrics', field, sql` AND x.is_nan = 1${this.#onDatasets}`);
  }

  #exists(table: string, { key }: FilterField, condition: Sql): Sql {
    return sql`EXISTS (SELECT 1 FROM ${raw(table)} x WHERE x.model_id = l.id AND x.key = ${key}${condition})`;
  }
}
