import { invalid } from '@millrace/core';
import { Fault, within } from './fault.ts';
import type { Field, Message } from './message.ts';
import { type Decode, decodeString, enumDecoder, scalarDecoders } from './scalar.ts';
import { wellKnownDecoder } from './well-known.ts';

export type Fields = Record<string, unknown>;

interface CompiledField {
  readonly name: string;
  readonly alias: string;
  readonly decode: Decode;
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
  const bySpelling = new Map<string, CompiledField>();
  for (const field of message.fields.map(compileField)) bySpelling.set(field.name, field).set(field.alias, field);
  const presets = message.fields.flatMap(presetOf);
  const oneofs = [...Map.groupBy(message.fields, (field) => field.oneof)]
    .filter(([name, members]) => name !== undefined && members.length > 1)
    .map(([, members]) => members.map((field) => field.name));
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Fault(value, 'must be an object');
    const out: Fields = {};
    for (const key in value) {
      const field = bySpelling.get(key);
      if (field !== undefined) decodeField(field, value as Fields, key, out);
    }
    for (const [name, preset] of presets) if (out[name] === undefined) out[name] = preset();
    for (const names of oneofs) requireOne(names, out);
    return out;
  };
}

function decodeField(field: CompiledField, from: Fields, key: string, out: Fields): void {
  if (key !== field.name && from[field.name] !== undefined) throw spelledTwice(field);
  const value = from[key];
  if (value === undefined || (value === null && !field.takesNull)) return;
  try {
    const decoded = field.decode(value);
    if (decoded !== undefined) out[field.name] = decoded;
  } catch (error) {
    throw within(error, field.name);
  }
}

/** Throws for a field of the message, or of one inside it, that is spelled two ways. */
export function refuseSpelledTwice(message: Message, value: unknown): void {
  if (typeof value !== 'object' || value === null || message.wellKnown) return;
  for (const { name, jsonName, message: inner, map } of message.fields) {
    const { [name]: given, [jsonName]: other } = value as Fields;
    if (name !== jsonName && given !== undefined && other !== undefined) throw spelledTwice({ name, alias: jsonName });
    if (inner === undefined || map !== undefined) continue;
    for (const item of [given ?? other].flat()) refuseSpelledTwice(inner, item);
  }
}

const spelledTwice = ({ name, alias }: Pick<CompiledField, 'name' | 'alias'>): Error =>
  invalid(`Request specifies both '${name}' and '${alias}'; provide only one of them.`);

function requireOne(names: readonly string[], out: Fields): void {
  const given = names.filter((name) => out[name] !== undefined);
  if (given.length > 1) throw new Fault(given, `at most one of ${given.join(', ')} may be set`);
}

function compileField(field: Field): CompiledField {
  const { name, jsonName } = field;
  if (name in Object.prototype || jsonName in Object.prototype) throw new Error(`${name} is no usable field name`);
  const element = elementDecoder(field);
  return {
    name,
    alias: jsonName,
    decode: field.map ? mapDecoder(element) : field.repeated ? listDecoder(element) : element,
    takesNull: field.message?.name === 'google.protobuf.Value' && !field.repeated && !field.map,
  };
}

/** What an absent field reads as, where that is not undefined. */
function presetOf(field: Field): [name: string, preset: () => unknown][] {
  if (field.map) return [[field.name, emptyMap]];
  if (field.repeated) return [[field.name, () => []]];
  return field.default === undefined ? [] : [[field.name, () => field.default]];
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
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Fault(value, 'must be an object');
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
