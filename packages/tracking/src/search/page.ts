import type { PageValue } from '@millrace/core';
import { type Dialect, join, raw, type Sql, type SqlValue, sql } from '@millrace/db';

/** One column of a total order. */
export interface OrderTerm {
  readonly column: Sql;
  readonly ascending: boolean;
}

export const orderSql = (terms: readonly OrderTerm[]): Sql =>
  join(
    terms.map(({ column, ascending }) => sql`${column} ${raw(ascending ? 'ASC' : 'DESC')}`),
    ', ',
  );

/**
 * That a row comes after `position` in the order of `terms`, none of which is null. The first column is bounded on its
 * own too, so that an index can begin there.
 */
export function afterSql(terms: readonly OrderTerm[], position: readonly PageValue[]): Sql {
  const beyond = terms.map((term, i) => {
    const same = terms.slice(0, i).map(({ column }, j) => sql`${column} = ${position[j] as SqlValue}`);
    return sql`(${join([...same, sql`${term.column} ${raw(term.ascending ? '>' : '<')} ${position[i] as SqlValue}`], ' AND ')})`;
  });
  const [first] = terms;
  return sql`(${first!.column} ${raw(first!.ascending ? '>=' : '<=')} ${position[0] as SqlValue} AND (${join(beyond, ' OR ')}))`;
}

/** Compares two rows by their values of `terms`, as the database does. */
export function comparePositions(
  terms: readonly OrderTerm[],
  a: readonly PageValue[],
  b: readonly PageValue[],
): number {
  for (let i = 0; i < terms.length; i++) {
    const order = compareValues(a[i]!, b[i]!);
    if (order !== 0) return terms[i]!.ascending ? order : -order;
  }
  return 0;
}

function compareValues(a: PageValue, b: PageValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}

/** The order of text in both databases: by code point, where JavaScript compares UTF-16 units. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogateX = x >= 0xd800 && x <= 0xdfff;
    const surrogateY = y >= 0xd800 && y <= 0xdfff;
    if (surrogateX !== surrogateY) return surrogateX ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** That a column is one of any number of ids: they travel as one parameter, as a statement has room for few. */
export const amongIds = (column: Sql, ids: readonly (number | bigint)[], dialect: Dialect): Sql =>
  dialect === 'postgres'
    ? sql`${column} = ANY (string_to_array(${ids.join(',')}, ',')::int8[])`
    : sql`${column} IN (SELECT value FROM json_each(${`[${ids.join(',')}]`}))`;
