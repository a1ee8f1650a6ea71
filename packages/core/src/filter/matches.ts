import type { CompareNode, FilterField, FilterNode, FilterValue } from './ast.ts';

/** A stored value; undefined or null where the entity has none. */
export type StoredValue = string | number | bigint | null | undefined;

/** What an entity has in a field; a list is matched by any of its items (the datasets of a run). */
export type FieldGetter = (field: FilterField) => StoredValue | readonly StoredValue[];

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The number that a param's text spells, or null: what `params.lr > 0.1` compares. NaN and infinities are not numbers here. */
export const paramNumber = (text: string): number | null => {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : null;
};

/**
 * Whether an entity matches a filter: the model that SQL is tested against.
 *
 * Two-valued: a condition on a field that the entity lacks is false (but IS NULL is true), and NOT turns it over.
 * A NaN, or a param that is no number where a number is asked for, matches only `!=`.
 */
export const matches = (node: FilterNode, get: FieldGetter): boolean => {
  switch (node.kind) {
    case 'and':
      return node.items.every((item) => matches(item, get));
    case 'or':
      return node.items.some((item) => matches(item, get));
    case 'not':
      return !matches(node.item, get);
    case 'compare': {
      const stored = get(node.field);
      const values: readonly StoredValue[] = Array.isArray(stored) ? stored : [stored as StoredValue];
      if (node.op === 'IS NULL') return values.every(isMissing);
      return values.some((value) => !isMissing(value) && compare(node, value as string | number | bigint));
    }
  }
};

const isMissing = (value: StoredValue): boolean => value === undefined || value === null;

const compare = ({ field, op, value }: CompareNode, stored: string | number | bigint): boolean => {
  switch (op) {
    case 'IS NULL':
      return false;
    case 'IS NOT NULL':
      return true;
    case 'LIKE':
      return like(String(stored), String(value));
    case 'NOT LIKE':
      return !like(String(stored), String(value));
    case 'ILIKE':
      return like(foldCase(String(stored)), foldCase(String(value)));
    case 'NOT ILIKE':
      return !like(foldCase(String(stored)), foldCase(String(value)));
    case 'IN':
      return (value as readonly string[]).includes(String(stored));
    case 'NOT IN':
      return !(value as readonly string[]).includes(String(stored));
    default:
      return relate(
        op,
        field.type === 'param' && typeof value === 'number' ? paramNumber(String(stored)) : stored,
        value,
      );
  }
};

const relate = (op: '=' | '!=' | '<' | '<=' | '>' | '>=', left: StoredValue, right: FilterValue): boolean => {
  if (left === null || left === undefined || right === null || Number.isNaN(left)) return op === '!=';
  const less = left < right;
  const greater = left > right;
  switch (op) {
    case '=':
      return !less && !greater;
    case '!=':
      return less || greater;
    case '<':
      return less;
    case '<=':
      return !greater;
    case '>':
      return greater;
    case '>=':
      return !less;
  }
};

/** ILIKE folds A-Z only, the one folding that every database here agrees on. */
const foldCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** SQL's LIKE, case-sensitive, without an escape character: `%` is any run, `_` any one character. Never backtracks far. */
export const like = (text: string, pattern: string): boolean => {
  const characters = Array.from(text);
  const wanted = Array.from(pattern);
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < characters.length) {
    if (wanted[next] === '%') {
      star = next;
      next += 1;
      resume = at;
    } else if (next < wanted.length && (wanted[next] === '_' || wanted[next] === characters[at])) {
      next += 1;
      at += 1;
    } else if (star >= 0) {
      next = star + 1;
      resume += 1;
      at = resume;
    } else {
      return false;
    }
  }
  while (wanted[next] === '%') next += 1;
  return next === wanted.length;
};
