import { invalid } from '@millrace/core';
import { compileChecks, refusal } from './checks.ts';
import { decoderOf, type Fields, refuseSpelledTwice } from './decoder.ts';
import { Fault } from './fault.ts';
import type { Field, Message } from './message.ts';
import type { Operation } from './operation.ts';
import { decodeString } from './scalar.ts';
import { MAX_SHOWN } from './text.ts';

export interface RequestInput {
  /** The decoded query string of a GET; repeated fields are repeated keys. */
  readonly query?: Iterable<readonly [string, string]> | undefined;
  /** What parseJsonBody returned; where it is given, the query is not read. */
  readonly body?: unknown;
  /** Path parameters, percent-decoded; they win over query and body. */
  readonly path?: Readonly<Record<string, string>> | undefined;
}

type DecodeRequest = (input: RequestInput) => Fields;

const compiled = new WeakMap<Operation, DecodeRequest>();

/**
 * The request of an operation, with the schema's field names: unknown fields dropped, defaults applied, repeated fields and
 * maps always present, every path parameter included. Enums are names, 64-bit integers `number` where that is exact and else
 * `bigint`, bytes base64 text. Throws INVALID_PARAMETER_VALUE in MLflow's words.
 */
export function decodeRequest(op: Operation, input: RequestInput): Fields {
  let decode = compiled.get(op);
  if (decode === undefined) {
    decode = compileRequest(op);
    compiled.set(op, decode);
  }
  return decode(input);
}

const noMessage: Message = { name: 'none', fields: [], wellKnown: false };

function compileRequest(op: Operation): DecodeRequest {
  const message = op.request ?? noMessage;
  const decode = decoderOf(message);
  const check = compileChecks(op.checks);
  const fields = new Map(message.fields.map((field) => [field.name, field]));
  return ({ query, body, path }) => {
    const given = body ?? (query ? fromQuery(fields, query) : {});
    if (typeof given !== 'object' || Array.isArray(given)) throw invalid('The request body must be a JSON object.');
    const raw = path ? withPath(fields, given as Fields, path) : (given as Fields);
    let decoded: Fields | undefined;
    let fault: Fault | undefined;
    try {
      decoded = decode(raw);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      fault = error;
      refuseSpelledTwice(message, raw);
    }
    check((name) => givenValue(raw, name, fields), fault !== undefined);
    if (decoded === undefined) throw refusal(fault!);
    for (const name in path) if (!fields.has(name)) decoded[name] = decodePathParam(name, path[name]);
    return decoded;
  };
}

function givenValue(raw: Fields, name: string, fields: ReadonlyMap<string, Field>): unknown {
  const value = raw[name] === undefined ? raw[fields.get(name)?.jsonName ?? name] : raw[name];
  return value == null && name === 'run_id' ? raw.run_uuid : value;
}

function withPath(fields: ReadonlyMap<string, Field>, given: Fields, path: Readonly<Record<string, string>>): Fields {
  const raw = { ...given };
  for (const name in path) {
    const field = fields.get(name);
    if (field === undefined) continue;
    delete raw[field.jsonName];
    raw[name] = path[name];
  }
  return raw;
}

/** A path parameter that the message does not hold, such as the trace of an assessment. */
function decodePathParam(name: string, value: unknown): string {
  try {
    return decodeString(value);
  } catch (error) {
    throw error instanceof Fault ? refusal(error.within(name)) : error;
  }
}

function fromQuery(fields: ReadonlyMap<string, Field>, query: Iterable<readonly [string, string]>): Fields {
  const raw: Fields = {};
  for (const [name, text] of query) {
    const field = fields.get(name);
    if (field === undefined) continue;
    const value = field.kind === 'bool' ? queryBool(text) : text;
    if (!field.repeated) raw[name] ??= value;
    else if (raw[name] === undefined) raw[name] = [value];
    else (raw[name] as unknown[]).push(value);
  }
  return raw;
}

function queryBool(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower === 'true';
  throw invalid(`Invalid boolean value: ${text.slice(0, MAX_SHOWN)}, must be 'true' or 'false'.`);
}
