import { invalid, type OrderKey, type PageValue } from '@millrace/core';
import { raw, type Sql, sql } from '@millrace/db';
import { comparePositions, type OrderTerm } from '../search/page.ts';
import { KEYED_TABLES, type RunFields, runAttribute } from './run-fields.ts';

/** Runs that have the key come first, then NaN, then runs without it: in both directions. */
export const REAL = 0;
export const NAN = 1;
export const MISSING = 2;

/** What one key of the order adds to the query, and to the position of a row. */
interface Slot {
  readonly join: Sql;
  readonly terms: readonly OrderTerm[];
  /** In place of terms where every run has the same: a key that was never logged. */
  readonly fixed: readonly PageValue[] | null;
}

const NO_JOIN = raw('');
const rising = (column: Sql): OrderTerm => ({ column, ascending: true });

function slot(key: OrderKey, fields: RunFields, index: number): Slot {
  if (key.type === 'attribute') {
    const { column, nullable } = runAttribute(key.key);
    if (!nullable) return { join: NO_JOIN, terms: [{ column, ascending: key.ascending }], fixed: null };
    return {
      join: NO_JOIN,
      terms: [
        rising(sql`CASE WHEN ${column} IS NULL THEN ${raw(String(MISSING))} ELSE ${raw(String(REAL))} END`),
        { column: sql`COALESCE(${column}, 0)`, ascending: key.ascending },
      ],
      fixed: null,
    };
  }
  const empty = key.type === 'metric' ? 0 : '';
  const id = fields.keyId(key.key);
  if (id === undefined) return { join: NO_JOIN, terms: [], fixed: [MISSING, empty] };
  const alias = raw(`o${index}`);
  const nan = key.type === 'metric' ? sql` WHEN ${alias}.is_nan = 1 THEN ${raw(String(NAN))}` : raw('');
  return {
    join: sql` LEFT JOIN ${raw(KEYED_TABLES[key.type])} ${alias} ON ${alias}.run_id = r.id AND ${alias}.key_id = ${id}`,
    terms: [
      rising(sql`CASE WHEN ${alias}.run_id IS NULL THEN ${raw(String(MISSING))}${nan} ELSE ${raw(String(REAL))} END`),
      { column: sql`COALESCE(${alias}.value, ${raw(empty === 0 ? '0' : "''")})`, ascending: key.ascending },
    ],
    fixed: null,
  };
}

/** The total order of a search, as SQL and as positions that page tokens carry. */
export class RunOrder {
  readonly #slots: readonly Slot[];
  readonly joins: Sql;
  readonly terms: readonly OrderTerm[];

  constructor(keys: readonly OrderKey[], fields: RunFields) {
    this.#slots = keys.map((key, i) => slot(key, fields, i));
    this.joins = this.#slots.reduce((all, { join }) => sql`${all}${join}`, raw(''));
    this.terms = this.#slots.flatMap(({ terms }) => terms);
  }

  /** The position of a row from its values of `terms`. */
  position(values: readonly PageValue[]): PageValue[] {
    let next = 0;
    return this.#slots.flatMap(({ terms, fixed }) => fixed ?? terms.map(() => values[next++]!));
  }

  /** A position's values of `terms`. */
  values(position: readonly PageValue[]): PageValue[] {
    const values: PageValue[] = [];
    let next = 0;
    for (const { terms, fixed } of this.#slots) {
      const width = fixed?.length ?? terms.length;
      if (fixed === null) values.push(...position.slice(next, next + width));
      next += width;
    }
    if (next !== position.length) throw invalid('Invalid page token: it belongs to another search.');
    return values;
  }

  /** Compares two rows by their values of `terms`, as the database does. */
  compare = (a: readonly PageValue[], b: readonly PageValue[]): number => comparePositions(this.terms, a, b);
}
