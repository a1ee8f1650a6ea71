import { type ContractField, contract, type Kind } from './contract.ts';

export interface Field {
  readonly name: string;
  /** The lowerCamel spelling that bodies may use instead of `name`. */
  readonly jsonName: string;
  readonly number: number;
  /** The kind of one element; of the values where `map` is set. */
  readonly kind: Kind;
  readonly repeated: boolean;
  /** The kind of the keys of a map. */
  readonly map: Kind | undefined;
  /** What the schema calls required. The server enforces `Operation.checks`. */
  readonly required: boolean;
  readonly default: string | number | boolean | undefined;
  /** Whether "absent" and "the zero value" differ. */
  readonly presence: boolean;
  readonly oneof: string | undefined;
  readonly message: Message | undefined;
  readonly enum: EnumType | undefined;
}

export interface Message {
  /** Full name, such as `mlflow.LogMetric`. */
  readonly name: string;
  readonly fields: readonly Field[];
  /** google.protobuf.*: JSON has a form of its own for it. */
  readonly wellKnown: boolean;
}

export interface EnumType {
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
}

const camel = (name: string): string => {
  const [head = '', ...rest] = name.split('_');
  return head + rest.map((part) => part.slice(0, 1).toUpperCase() + part.slice(1)).join('');
};

export const enums: ReadonlyMap<string, EnumType> = new Map(
  Object.entries(contract.enums).map(([name, values]) => [name, { name, values }]),
);

const drafts = new Map(
  Object.entries(contract.messages).map(([name, fields]) => {
    const draft = { name, fields: [] as Field[], wellKnown: fields === null };
    return [name, draft] as const;
  }),
);

for (const [name, draft] of drafts) {
  for (const field of contract.messages[name] ?? []) draft.fields.push(link(field));
}

export const messages: ReadonlyMap<string, Message> = drafts;

/** A field from its contract entry, with the types it refers to. */
export function link(field: ContractField): Field {
  return {
    name: field.name,
    jsonName: field.json ?? camel(field.name),
    number: field.number,
    kind: field.kind,
    repeated: field.repeated ?? false,
    map: field.map,
    required: field.required ?? false,
    default: field.default,
    presence: !(field.repeated || field.map || field.implicit),
    oneof: field.oneof,
    message: field.message === undefined ? undefined : known(drafts, field.message),
    enum: field.enum === undefined ? undefined : known(enums, field.enum),
  };
}

/** The message with this full name; throws where the contract has none. */
export const messageNamed = (name: string): Message => known(messages, name);

function known<T>(types: ReadonlyMap<string, T>, name: string): T {
  const found = types.get(name);
  if (found === undefined) throw new Error(`The wire contract has no type ${name}`);
  return found;
}
