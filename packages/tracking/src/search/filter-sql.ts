import { type CompareNode, type FilterField, type FilterNode, type FilterValue, invalid } from '@millrace/core';
import { type Dialect, join, raw, type Sql, type SqlValue, sql } from '@millrace/db';

/** A condition on a column, to be put where the field's rows are. */
export type Condition = (column: Sql) => Sql;

/** How one entity's fields are found in the tables. */
export interface FieldSql {
  /** A column of the entity's own row. */
  attribute(key: string): { readonly column: Sql; readonly nullable: boolean };
  /**
   * That a metric, param, tag or dataset matches. `condition` is null where it is only asked whether one is there.
   * `numeric` asks for the stored number of a param.
   */
  has(field: FilterField, condition: Condition | null, numeric: boolean): Sql;
  /** That a metric is NaN, which `!=` admits. */
  isNan(field: FilterField): Sql;
}

const TRUE = raw('1 = 1');
const MAX_PATTERN_LENGTH = 10_000;

/** Two-valued SQL: a condition on what is missing is false, and NOT turns it over. */
export function filterSql(node: FilterNode, fields: FieldSql, dialect: Dialect): Sql {
  switch (node.kind) {
    case 'and':
    case 'or': {
      const items = node.items.map((item) => filterSql(item, fields, dialect));
      return sql`(${join(items, node.kind === 'and' ? ' AND ' : ' OR ')})`;
    }
    case 'not':
      return sql`NOT (${filterSql(node.item, fields, dialect)})`;
    case 'compare':
      return compareSql(node, fields, dialect);
  }
}

function compareSql(node: CompareNode, fields: FieldSql, dialect: Dialect): Sql {
  const { field, op, value } = node;
  if (field.type === 'attribute') {
    const { column, nullable } = fields.attribute(field.key);
    if (op === 'IS NULL') return nullable ? sql`${column} IS NULL` : sql`NOT ${TRUE}`;
    if (op === 'IS NOT NULL') return nullable ? sql`${column} IS NOT NULL` : TRUE;
    const condition = conditionSql(op, value, dialect)(inexact(value) ? asReal(column) : column);
    return nullable ? sql`(${column} IS NOT NULL AND ${condition})` : condition;
  }
  if (op === 'IS NULL') return sql`NOT ${fields.has(field, null, false)}`;
  if (op === 'IS NOT NULL') return fields.has(field, null, false);
  const numeric = field.type === 'param' && typeof value !== 'string' && !Array.isArray(value);
  const found = fields.has(field, conditionSql(op, value, dialect), numeric);
  if (op !== '!=') return found;
  if (field.type === 'metric') return sql`(${found} OR ${fields.isNan(field)})`;
  // A param that spells no number is different from every number.
  return numeric ? sql`(${found} OR ${fields.has(field, (column) => sql`${column} IS NULL`, true)})` : found;
}

/** A number that an integer column could not be compared with. */
const inexact = (value: FilterValue) => typeof value === 'number' && !Number.isSafeInteger(value);
const asReal = (column: Sql): Sql => sql`CAST(${column} AS DOUBLE PRECISION)`;

/** The comparison of a column with the literal of a clause. */
export function conditionSql(op: CompareNode['op'], value: FilterValue, dialect: Dialect): Condition {
  switch (op) {
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return (column) => sql`${column} ${raw(op)} ${value as SqlValue}`;
    case '!=':
      return (column) => sql`${column} <> ${value as SqlValue}`;
    case 'LIKE':
    case 'NOT LIKE': {
      const pattern = patternSql(value as string, dialect);
      return (column) => sql`${column} ${raw(op)} ${pattern}`;
    }
    case 'ILIKE':
    case 'NOT ILIKE': {
      const pattern = patternSql(foldCase(value as string), dialect);
      return (column) => sql`lower(${column}) ${raw(op === 'ILIKE' ? 'LIKE' : 'NOT LIKE')} ${pattern}`;
    }
    case 'IN':
    case 'NOT IN': {
      const values = (value as readonly string[]).map((item) => sql`${item}`);
      return (column) => sql`${column} ${raw(op)} (${join(values, ', ')})`;
    }
    default:
      throw new Error(`${op} has no right-hand side`);
  }
}

/** PostgreSQL has an escape character unless told otherwise, SQLite has none. */
function patternSql(pattern: string, dialect: Dialect): Sql {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw invalid(`A LIKE pattern has ${pattern.length} characters; it may have at most ${MAX_PATTERN_LENGTH}.`);
  }
  return dialect === 'postgres' ? sql`${pattern} ESCAPE ''` : sql`${pattern}`;
}

/** Both databases fold A-Z only: SQLite always, PostgreSQL in the collation "C". */
const foldCase = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
