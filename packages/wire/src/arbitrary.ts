/** Generators of requests for property tests; not part of the package's index, for they need fast-check. */
import fc from 'fast-check';
import type { Check, Kind, LimitCheck } from './contract.ts';
import type { Field, Message } from './message.ts';
import type { Operation } from './operation.ts';

type Body = Record<string, unknown>;

/** Bodies that the operation accepts: required fields set, limits kept, at most one member of each oneof. */
export function validRequest(op: Operation): fc.Arbitrary<Body> {
  return messageArbitrary(op.request!, 0, op.checks);
}

/** Bodies that may be anything: sound and wrong values, both spellings, unknown keys and edges of every kind. */
export function hostileRequest(op: Operation): fc.Arbitrary<Body> {
  const names = op.request!.fields.flatMap((field) => [field.name, field.jsonName]);
  const key = fc.oneof(fc.constantFrom('__proto__', 'constructor', ...names), fc.string());
  const strange = fc.array(fc.tuple(key, edge), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
  return fc.tuple(validRequest(op), strange).map(([body, extra]) => Object.assign(Object.create(null), body, extra));
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });

const int = (low: bigint, high: bigint): fc.Arbitrary<unknown> => {
  const exact = fc.oneof(fc.bigInt(low, high), fc.constantFrom(low, high, 0n));
  const narrow = exact.map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
  return fc.oneof(narrow, exact.map(String));
};

const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom<unknown>('NaN', 'Infinity', '-Infinity', '5', '1e-3', -0),
);

const scalars: Readonly<Record<Exclude<Kind, 'enum' | 'message'>, fc.Arbitrary<unknown>>> = {
  string: text,
  bytes: fc.base64String({ maxLength: 20 }),
  bool: fc.boolean(),
  double,
  float: fc.float({ noNaN: true, noDefaultInfinity: true }),
  int32: int(-(2n ** 31n), 2n ** 31n - 1n),
  uint32: int(0n, 2n ** 32n - 1n),
  fixed32: int(0n, 2n ** 32n - 1n),
  int64: int(-(2n ** 63n), 2n ** 63n - 1n),
  uint64: int(0n, 2n ** 64n - 1n),
  fixed64: int(0n, 2n ** 64n - 1n),
};

const edge: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    null,
    '',
    'a\0b',
    '\ud800',
    '__proto__',
    '1_0',
    ' 5',
    '9'.repeat(2000),
    2n ** 63n,
    -(2n ** 63n) - 1n,
    2n ** 64n,
    1e308,
    Number.MIN_VALUE,
    -0,
    1.5,
    [[]],
    [null],
    {},
  ),
);

const wellKnown: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  'google.protobuf.Timestamp': fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
    .map((date) => date.toISOString()),
  'google.protobuf.Duration': fc.integer({ min: 0, max: 1e6 }).map((seconds) => `${seconds}.5s`),
  'google.protobuf.FieldMask': fc.constantFrom('name', 'name,value'),
  'google.protobuf.Empty': fc.constant({}),
  'google.protobuf.Value': fc.jsonValue({ maxDepth: 2, stringUnit: 'grapheme' }),
  'google.protobuf.Struct': fc.dictionary(text, fc.integer()),
  'google.protobuf.ListValue': fc.array(fc.integer()),
};

const MAX_DEPTH = 4;

function messageArbitrary(message: Message, depth: number, checks: Operation['checks'] = {}): fc.Arbitrary<Body> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  const certain: string[] = [];
  for (const field of message.fields) {
    if (field.message && !field.message.wellKnown && depth >= MAX_DEPTH) continue;
    const demands = checks[field.name] ?? [];
    model[field.name] = fieldArbitrary(field, depth, demands);
    if (demands.includes('required') || demands.includes('secret')) certain.push(field.name);
  }
  return fc.record(model, { requiredKeys: certain }).map((body) => keepOneOfEach(message, body));
}

function keepOneOfEach(message: Message, body: Body): Body {
  const taken = new Set<string>();
  for (const { name, oneof } of message.fields) {
    if (oneof === undefined || body[name] === undefined) continue;
    if (taken.has(oneof)) delete body[name];
    taken.add(oneof);
  }
  return body;
}

function fieldArbitrary(field: Field, depth: number, demands: readonly Check[]): fc.Arbitrary<unknown> {
  const limit = demands.find((check): check is LimitCheck => typeof check === 'object' && !('each' in check));
  const each = demands.find((check) => typeof check === 'object' && 'each' in check);
  if (limit !== undefined && limit.maxItems === undefined) return fc.integer({ min: limit.min ?? 0, max: limit.max! });
  const keys = demands.includes('items:key') ? ['key'] : each ? each.each : [];
  const inner = Object.fromEntries(keys.map((key): [string, Check[]] => [key, ['required']]));
  const element = elementArbitrary(field, depth, inner);
  if (field.map) return fc.dictionary(text, element, { maxKeys: 3 });
  if (field.repeated) return fc.array(element, { minLength: demands.includes('required') ? 1 : 0, maxLength: 3 });
  return element;
}

function elementArbitrary(field: Field, depth: number, checks: Operation['checks']): fc.Arbitrary<unknown> {
  if (field.enum) return fc.constantFrom(...Object.keys(field.enum.values), ...Object.values(field.enum.values));
  if (!field.message) return scalars[field.kind as keyof typeof scalars];
  return wellKnown[field.message.name] ?? messageArbitrary(field.message, depth + 1, checks);
}
