import type { FilterField, FilterNode } from '@millrace/core';
import { type Reader, raw, type Sql, sql } from '@millrace/db';
import { findKeyIds } from '../keys.store.ts';
import type { Condition, FieldSql } from '../search/filter-sql.ts';

const ATTRIBUTES: Record<string, string> = {
  run_id: 'r.run_uuid',
  run_name: 'r.name',
  status: 'r.status',
  user_id: 'r.user_id',
  artifact_uri: 'r.artifact_uri',
  start_time: 'r.start_time',
  end_time: 'r.end_time',
};

export const runAttribute = (key: string) => ({ column: raw(ATTRIBUTES[key]!), nullable: key === 'end_time' });

export const KEYED_TABLES = { metric: 'latest_metrics', param: 'params', tag: 'tags' } as const;

const NOTHING = raw('1 = 0');

/** Rows of a field within one run `r`, or within the whole experiment where `run` is null. */
export class RunFields implements FieldSql {
  readonly #keyIds: ReadonlyMap<string, number>;

  constructor(keyIds: ReadonlyMap<string, number>) {
    this.#keyIds = keyIds;
  }

  keyId(key: string): number | undefined {
    return this.#keyIds.get(key);
  }

  attribute(key: string) {
    return runAttribute(key);
  }

  has(field: FilterField, condition: Condition | null, numeric: boolean): Sql {
    const rows = this.rows(field, condition, numeric);
    return rows === null ? NOTHING : sql`EXISTS (SELECT 1 ${rows} AND x.run_id = r.id)`;
  }

  isNan(field: FilterField): Sql {
    const id = this.#keyIds.get(field.key);
    if (id === undefined) return NOTHING;
    return sql`EXISTS (SELECT 1 FROM latest_metrics x WHERE x.key_id = ${id} AND x.is_nan = 1 AND x.run_id = r.id)`;
  }

  /** `FROM … x WHERE …` of the rows that match, null where there can be none. */
  rows(field: FilterField, condition: Condition | null, numeric: boolean): Sql | null {
    if (field.type === 'dataset') {
      const column = raw(field.key === 'context' ? 'x.context' : `d.${field.key}`);
      return sql`FROM run_datasets x JOIN datasets d ON d.id = x.dataset_id WHERE ${condition?.(column) ?? raw('1 = 1')}`;
    }
    const id = this.#keyIds.get(field.key);
    if (id === undefined) return null;
    const table = raw(KEYED_TABLES[field.type as keyof typeof KEYED_TABLES]);
    const column = raw(numeric ? 'x.number' : 'x.value');
    const real = field.type === 'metric' && condition !== null ? raw(' AND x.is_nan = 0') : raw('');
    const matching = condition === null ? raw('') : sql` AND ${condition(column)}`;
    return sql`FROM ${table} x WHERE x.key_id = ${id}${real}${matching}`;
  }
}

/** Looks up the keys that a filter and an order name. */
export async function runFields(
  db: Reader,
  filter: FilterNode | null,
  orderKeys: readonly string[],
): Promise<RunFields> {
  const keys = new Set(orderKeys);
  const visit = (node: FilterNode): void => {
    if (node.kind === 'compare') keys.add(node.field.key);
    else if (node.kind === 'not') visit(node.item);
    else node.items.forEach(visit);
  };
  if (filter !== null) visit(filter);
  return new RunFields(await findKeyIds(db, keys));
}
