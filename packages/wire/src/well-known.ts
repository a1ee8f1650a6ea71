import { Fault } from './fault.ts';
import { type Decode, decodeString } from './scalar.ts';
import { unstorable } from './text.ts';

const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const duration = /^-?\d{1,12}(?:\.\d{1,9})?s$/;

const decoders: Readonly<Record<string, Decode>> = {
  'google.protobuf.Timestamp': (value) => {
    const text = decodeString(value);
    if (!timestamp.test(text) || Number.isNaN(Date.parse(text))) {
      throw new Fault(value, 'must be an RFC 3339 time such as 2026-01-02T03:04:05.678Z');
    }
    return text;
  },
  'google.protobuf.Duration': (value) => {
    const text = decodeString(value);
    if (!duration.test(text)) throw new Fault(value, 'must be a duration in seconds such as 1.5s');
    return text;
  },
  'google.protobuf.FieldMask': decodeString,
  'google.protobuf.Empty': () => ({}),
  'google.protobuf.Value': anyJson,
  'google.protobuf.Struct': (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Fault(value, 'must be an object');
    return anyJson(value);
  },
  'google.protobuf.ListValue': (value) => {
    if (!Array.isArray(value)) throw new Fault(value, 'must be an array');
    return anyJson(value);
  },
};

/** The decoder of a google.protobuf.* type; its value keeps the JSON form. */
export function wellKnownDecoder(name: string): Decode {
  const decoder = decoders[name];
  if (decoder === undefined) throw new Error(`No JSON form is known for ${name}`);
  return decoder;
}

/** Any JSON value, kept as it is; every text in it must be storable. */
function anyJson(value: unknown): unknown {
  if (typeof value === 'string') return decodeString(value);
  if (Array.isArray(value)) value.forEach(anyJson);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const reason = unstorable(key);
      if (reason !== undefined) throw new Fault(key, reason);
      anyJson(item);
    }
  }
  return value;
}
