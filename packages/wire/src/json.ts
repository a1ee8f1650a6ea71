import { DomainError, invalid } from '@millrace/core';

export const MAX_JSON_DEPTH = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The parts of JSON that carry exact integers; younger than the type library. */
interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}
const exactJson = JSON as unknown as ExactJson;

/**
 * The JSON object in a request body. Integers beyond 2^53 become bigint. As in MLflow, a body that is no JSON counts as
 * `{}` and a JSON string is decoded a second time. Throws INVALID_PARAMETER_VALUE where the body is not UTF-8, not an
 * object or nested deeper than MAX_JSON_DEPTH.
 */
export function parseJsonBody(body: Uint8Array | string): Record<string, unknown> {
  const value = parse(typeof body === 'string' ? body : decodeUtf8(body));
  const object = typeof value === 'string' ? parse(value) : value;
  if (object === null || object === undefined) return {};
  if (typeof object !== 'object' || Array.isArray(object)) throw invalid('The request body must be a JSON object.');
  return object as Record<string, unknown>;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new DomainError('INVALID_PARAMETER_VALUE', 'The request body must be valid UTF-8.', { cause });
  }
}

function parse(text: string): unknown {
  const value = tryParse(text);
  if (value === undefined) {
    const quoted = quoteNonFinite(text);
    return quoted === text ? undefined : parse(quoted);
  }
  return hasInexactInteger(value, 0) ? exactJson.parse(text, exactInteger) : value;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Characters of a body that is read again for its bare NaN; more would let a wrong body cost seconds. */
const MAX_REPAIRED = 2 ** 20;

/** Python writes bare NaN and Infinity; quoted they are doubles of protobuf JSON. What stands inside a string stays. */
function quoteNonFinite(text: string): string {
  if (text.length > MAX_REPAIRED) return text;
  let inString = false;
  return text.replace(/\\.|"|-?\b(?:NaN|Infinity)\b/gs, (token) => {
    if (token === '"') inString = !inString;
    return inString || token.length < 3 ? token : `"${token}"`;
  });
}

/** Whether a double stands for an integer that it may have rounded. Refuses a value that is nested too deep. */
function hasInexactInteger(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return false;
  if (depth === MAX_JSON_DEPTH) throw invalid(`The request body is nested deeper than ${MAX_JSON_DEPTH} levels.`);
  let inexact = false;
  if (Array.isArray(value)) for (const item of value) inexact = hasInexactInteger(item, depth + 1) || inexact;
  else
    for (const key in value) inexact = hasInexactInteger((value as Record<string, unknown>)[key], depth + 1) || inexact;
  return inexact;
}

function exactInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context.source ?? '';
  return /^-?\d{1,20}$/.test(source) ? BigInt(source) : value;
}

/** JSON of a response: bigint as an exact integer, a non-finite double as the string that protobuf JSON gives it. */
export function encodeResponse(value: unknown): string {
  return isPlain(value) ? JSON.stringify(value) : JSON.stringify(value, exactValue);
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  if (Array.isArray(value)) return value.every(isPlain);
  for (const key in value) if (!isPlain((value as Record<string, unknown>)[key])) return false;
  return true;
}

function exactValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return exactJson.rawJSON(value.toString());
  if (Object.is(value, -0)) return exactJson.rawJSON('-0.0');
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
