import { type DomainError, invalid } from '@millrace/core';
import type { Check, LimitCheck, TypeCheck } from './contract.ts';
import type { Fields } from './decoder.ts';
import type { Fault } from './fault.ts';
import { decimal } from './scalar.ts';
import { showValue, typeName } from './text.ts';

const DOCS = ' See the API docs for more information about request parameters.';

/** Reads a request field as it was sent: undefined where it was not, null where it was null. */
type Read = (name: string) => unknown;

type Run = (read: Read, faulty: boolean) => void;

/**
 * The checks that the server applies to a request, compiled once. They run in the contract's order and throw a
 * DomainError in MLflow's words. Type checks count only when a value did not decode (`faulty`).
 */
export function compileChecks(checks: Readonly<Record<string, readonly Check[]>>): Run {
  const runs = Object.entries(checks).flatMap(([name, list]) => list.map((check) => compileCheck(name, check)));
  return (read, faulty) => {
    for (const run of runs) run(read, faulty);
  };
}

function compileCheck(name: string, check: Check): Run {
  if (typeof check === 'object') return 'each' in check ? compileEach(name, check.each) : compileLimit(name, check);
  if (check === 'required') {
    return (read) => {
      if (isMissing(read(name))) throw missingValue(name);
    };
  }
  if (check === 'secret') {
    return (read) => {
      if (read(name) === null) throw invalid(`Missing value for required parameter '${name}'.`);
    };
  }
  if (check === 'items:key') return compileItemsKey(name);
  return (read, faulty) => {
    const value = faulty ? read(name) : undefined;
    if (value != null && !fits[check](value)) throw wrongType(name, value);
  };
}

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';

const fits: Readonly<Record<TypeCheck, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  int: (value) => isNumber(value) || (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)),
  float: (value) =>
    isNumber(value) || (typeof value === 'string' && (decimal.test(value) || /^[+-]?(nan|inf(inity)?)$/i.test(value))),
  bool: (value) => typeof value === 'boolean' || value === 'true' || value === 'false',
  array: (value) => Array.isArray(value),
  'items:string': (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
};

const isNumber = (value: unknown): boolean =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

function compileLimit(name: string, { min, max, maxItems, message }: LimitCheck): Run {
  return (read) => {
    const value = read(name);
    if (value == null) return;
    const size = maxItems === undefined ? Number(value) : (value as unknown[]).length;
    const high = maxItems ?? max;
    if ((min === undefined || size >= min) && (high === undefined || size <= high)) return;
    throw message === undefined ? wrongType(name, value) : invalid(message.replace('{length}', String(size)) + DOCS);
  };
}

function compileEach(name: string, keys: readonly string[]): Run {
  return (read) => {
    const items = read(name);
    if (!Array.isArray(items)) return;
    for (let index = 0; index < items.length; index++) {
      const item = items[index] as Fields | null;
      if (typeof item !== 'object' || item === null) continue;
      for (const key of keys) if (isMissing(item[key])) throw missingValue(`${name}[${index}].${key}`);
    }
  };
}

function compileItemsKey(name: string): Run {
  return (read) => {
    const items = read(name);
    if (items == null) return;
    const keyed = (item: unknown): boolean => typeof item === 'object' && !isMissing((item as Fields | null)?.key);
    if (!Array.isArray(items) || !items.every(keyed)) throw wrongType(name, items);
  };
}

const missingValue = (path: string): DomainError => invalid(`Missing value for required parameter '${path}'.${DOCS}`);

function wrongType(name: string, value: unknown): DomainError {
  return invalid(`Invalid value${shownOf(name, value)}:  Hint: Value was of type '${typeName(value)}'.${DOCS}`);
}

/** What a fault says when no check of the server refused the request. */
export function refusal({ path, value, rule }: Fault): DomainError {
  return invalid(`Invalid value${shownOf(path, value)}: ${rule}.${DOCS}`);
}

const secrets = /^(?:password|current_password|secret_value)\b/;

/** A refused secret is not repeated. */
const shownOf = (path: string, value: unknown): string =>
  `${secrets.test(path) ? '' : ` ${showValue(value)}`} for parameter '${path}' supplied`;
