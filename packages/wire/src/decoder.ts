import { invalid } from '@millrace/core';
import { Fault, within } from './fault.ts';
import type { Field, Message } from './message.ts';
import { type Decode, decodeString, enumDecoder, scalarDecoders } from './scalar.ts';
import { wellKnownDecoder } from './well-known.ts';

export type Fields = Record<string, unknown>;

interface CompiledField {
  readonly name: string;
  /** The other spelling, where there is one. */
  readonly alias: string | undefined;
  readonly decode: Decode;
  /** What an absent field reads as. */
  readonly absent: () => unknown;
  /** google.protobuf.Value takes null for a value. */
  readonly takesNull: boolean;
}

const compiled = new WeakMap<Message, (value: unknown) => Fields>();

/**
 * The decoder of a message, compiled once: JSON object to an object with the schema's field names. Repeated fields and
 * maps are always present, fields with a default too. Throws Fault, or a DomainError for a field spelled two ways.
 */
export function decoderOf(message: Message): (value: unknown) => Fields {
  const known = compiled.get(message);
  if (known !== undefined) return known;
  let decode: ((value: unknown) => Fields) | undefined;
  // A message that contains itself meets this entry while it is being compiled.
  compiled.set(message, (value) => decode!(value));
  decode = compileMessage(message);
  compiled.set(message, decode);
  return decode;
}

function compileMessage(message: Message): (value: unknown) => Fields {
  const fields = message.fields.map(compileField);
  const oneofs = [...Map.groupBy(message.fields, (field) => field.oneof)]
    .filter(([name, members]) => name !== undefined && members.length > 1)
    .map(([, members]) => members.map((field) => field.name));
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault(value, 'must be an object');
    const out: Fields = {};
    for (const field of fields) decodeField(field, value as Fields, out);
    for (const names of oneofs) requireOne(names, out);
    return out;
  };
}

function decodeField(field: CompiledField, from: Fields, out: Fields): void {
  let value = from[field.name];
  if (field.alias !== undefined) {
    const other = from[field.alias];
    if (other !== undefined) {
      if (value !== undefined) throw spelledTwice(field.name, field.alias);
      value = other;
    }
  }
  let decoded: unknown;
  if (value !== undefined && (value !== null || field.takesNull)) {
    try {
      decoded = field.decode(value);
    } catch (error) {
      throw within(error, field.name);
    }
  }
  decoded ??= decoded === null ? null : field.absent();
  if (decoded !== undefined) out[field.name] = decoded;
}

const spelledTwice = (name: string, alias: string): Error =>
  invalid(`Request specifies both '${name}' and '${alias}'; provide only one of them.`);

function requireOne(names: readonly string[], out: Fields): void {
  const given = names.filter((name) => out[name] !== undefined);
  if (given.length > 1) throw new Fault(given, `at most one of ${given.join(', ')} may be set`);
}

const nothing = (): undefined => undefined;

function compileField(field: Field): CompiledField {
  const { name, jsonName } = field;
  if (name in Object.prototype || jsonName in Object.prototype) throw new Error(`${name} is no usable field name`);
  const element = elementDecoder(field);
  const preset = field.default;
  return {
    name,
    alias: jsonName === name ? undefined : jsonName,
    decode: field.map ? mapDecoder(element) : field.repeated ? listDecoder(element) : element,
    absent: field.map ? emptyMap : field.repeated ? () => [] : preset === undefined ? nothing : () => preset,
    takesNull: field.message?.name === 'google.protobuf.Value' && !field.repeated && !field.map,
  };
}

function elementDecoder(field: Field): Decode {
  if (field.enum) return enumDecoder(field.enum);
  if (field.message) return field.message.wellKnown ? wellKnownDecoder(field.message.name) : decoderOf(field.message);
  return scalarDecoders[field.kind as keyof typeof scalarDecoders];
}

function listDecoder(element: Decode): Decode {
  return (value) => {
    if (!Array.isArray(value)) throw new Fault(value, 'must be an array');
    const out: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      try {
        const item = element(value[index]);
        if (item !== undefined) out.push(item);
      } catch (error) {
        throw within(error, `[${index}]`);
      }
    }
    return out;
  };
}

/** Without a prototype, so that `__proto__` and `constructor` are keys like any other. */
const emptyMap = (): Fields => Object.create(null) as Fields;

function mapDecoder(element: Decode): Decode {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault(value, 'must be an object');
    const out = emptyMap();
    for (const [key, item] of Object.entries(value)) {
      try {
        const decoded = element(item);
        if (decoded !== undefined) out[decodeString(key)] = decoded;
      } catch (error) {
        throw within(error, `["${key.slice(0, 50)}"]`);
      }
    }
    return out;
  };
}
