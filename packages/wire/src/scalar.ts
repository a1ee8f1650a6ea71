import type { Kind } from './contract.ts';
import { Fault } from './fault.ts';
import type { EnumType } from './message.ts';
import { unstorable } from './text.ts';

/** Turns one JSON value into a field's value; `undefined` drops it. Throws Fault. */
export type Decode = (value: unknown) => unknown;

export const scalarDecoders: Readonly<Record<Exclude<Kind, 'enum' | 'message'>, Decode>> = {
  string: decodeString,
  bytes: decodeBytes,
  bool: decodeBool,
  double: decodeDouble,
  float: decodeFloat,
  int32: integerDecoder('32-bit', -(2n ** 31n), 2n ** 31n - 1n),
  uint32: integerDecoder('unsigned 32-bit', 0n, 2n ** 32n - 1n),
  fixed32: integerDecoder('unsigned 32-bit', 0n, 2n ** 32n - 1n),
  int64: integerDecoder('64-bit', -(2n ** 63n), 2n ** 63n - 1n),
  uint64: integerDecoder('unsigned 64-bit', 0n, 2n ** 64n - 1n),
  fixed64: integerDecoder('unsigned 64-bit', 0n, 2n ** 64n - 1n),
};

export function decodeString(value: unknown): string {
  if (typeof value !== 'string') throw new Fault(value, 'must be a string');
  const reason = unstorable(value);
  if (reason !== undefined) throw new Fault(value, reason);
  return value;
}

/** Bytes stay base64 text. */
function decodeBytes(value: unknown): string {
  if (typeof value !== 'string' || !/^[\w+/-]*={0,2}$/.test(value)) throw new Fault(value, 'must be base64');
  return value;
}

/** Some clients send every value as a string. */
function decodeBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new Fault(value, 'must be true or false');
}

export const decimal: RegExp = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
const nonFinite = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

function decodeDouble(value: unknown): number {
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
  } else if (typeof value === 'bigint') return Number(value);
  else if (typeof value === 'string') {
    const special = nonFinite.get(value);
    if (special !== undefined) return special;
    if (value.length <= MAX_DIGITS && decimal.test(value)) return decodeDouble(Number(value));
  }
  throw new Fault(value, 'must be a 64-bit floating point number, or "NaN", "Infinity" or "-Infinity"');
}

function decodeFloat(value: unknown): number {
  const double = decodeDouble(value);
  if (Number.isFinite(double) && !Number.isFinite(Math.fround(double))) {
    throw new Fault(value, 'must be a 32-bit floating point number');
  }
  return double;
}

/** Longer numerals are refused unread: converting them costs time and no field could hold them. */
const MAX_DIGITS = 1000;

function integerDecoder(width: string, low: bigint, high: bigint): Decode {
  const rule = `must be ${width.startsWith('u') ? 'an' : 'a'} ${width} integer`;
  const safeLow = Math.max(Number(low), Number.MIN_SAFE_INTEGER);
  const safeHigh = Math.min(Number(high), Number.MAX_SAFE_INTEGER);
  return (value) => {
    // Adding zero turns -0 into 0.
    if (typeof value === 'number' && Number.isInteger(value) && value >= safeLow && value <= safeHigh) return value + 0;
    const exact = exactInteger(value);
    if (exact === undefined || exact < low || exact > high) throw new Fault(value, rule);
    return exact >= Number.MIN_SAFE_INTEGER && exact <= Number.MAX_SAFE_INTEGER ? Number(exact) : exact;
  };
}

function exactInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'string' || value.length > MAX_DIGITS) return undefined;
  if (/^[+-]?\d+$/.test(value)) return BigInt(value.replace('+', ''));
  const double = decimal.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(double) ? BigInt(double) : undefined;
}

/** Names or numbers to names; a name that the schema does not know is dropped. */
export function enumDecoder(type: EnumType): Decode {
  const nameOf = new Map(Object.entries(type.values).map(([name, number]) => [number, name]));
  return (value) => {
    if (typeof value === 'string') {
      if (Object.hasOwn(type.values, value)) return value;
      if (!/^[+-]?\d+$/.test(value)) return undefined;
    }
    const name = typeof value === 'string' || typeof value === 'number' ? nameOf.get(Number(value)) : undefined;
    if (name === undefined) throw new Fault(value, `must be one of ${Object.keys(type.values).join(', ')}`);
    return name;
  };
}
