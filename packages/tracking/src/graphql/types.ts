import { type EnumType, type Field, type Message, messageNamed } from '@millrace/wire';
import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfigMap,
  GraphQLFloat,
  type GraphQLInputFieldConfigMap,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLString,
  Kind,
} from 'graphql';

/** 64-bit integers travel as text: a double would cut them. */
const LongString = new GraphQLScalarType({
  name: 'LongString',
  description: 'Long converted to string to prevent truncation to max integer in JavaScript',
  serialize: String,
  parseValue: String,
  parseLiteral: (node) => (node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : null),
});

const ApiError = new GraphQLObjectType({
  name: 'ApiError',
  fields: {
    code: { type: GraphQLString },
    message: { type: GraphQLString },
    helpUrl: { type: GraphQLString },
    traceId: { type: GraphQLString },
    errorDetails: {
      type: new GraphQLList(
        new GraphQLObjectType({
          name: 'ErrorDetail',
          fields: { field: { type: GraphQLString }, message: { type: GraphQLString } },
        }),
      ),
    },
  },
});

/** `mlflow.GetRun.Response` is `MlflowGetRunResponse`. */
const typeName = ({ name }: Message | EnumType) => `Mlflow${name.replace(/^mlflow\./, '').replaceAll('.', '')}`;

/** A field's value in a message as JSON. */
type Fields = Readonly<Record<string, unknown>>;

/** Fields that a type has beside its message's, and the name that MLflow gives the type then. */
export type Extensions = Readonly<Record<string, (types: WireTypes) => GraphQLFieldConfigMap<Fields, unknown>>>;

/** GraphQL types derived from wire messages: camelCase names, lists of what is never null. */
export class WireTypes {
  readonly #extensions: Extensions;
  readonly #outputs = new Map<string, GraphQLObjectType>();
  readonly #inputs = new Map<string, GraphQLInputObjectType>();
  readonly #enums = new Map<string, GraphQLEnumType>();

  constructor(extensions: Extensions) {
    this.#extensions = extensions;
  }

  output(message: Message): GraphQLObjectType {
    const known = this.#outputs.get(message.name);
    if (known !== undefined) return known;
    const extension = this.#extensions[message.name];
    const isResponse = message.name.endsWith('.Response');
    const type = new GraphQLObjectType({
      name: typeName(message) + (extension === undefined ? '' : 'Extension'),
      fields: () => ({
        ...Object.fromEntries(message.fields.map((field) => [field.jsonName, this.#outputField(field)])),
        ...(isResponse ? { apiError: { type: ApiError } } : {}),
        ...extension?.(this),
      }),
    });
    this.#outputs.set(message.name, type);
    return type;
  }

  input(message: Message): GraphQLInputObjectType {
    const known = this.#inputs.get(message.name);
    if (known !== undefined) return known;
    const type = new GraphQLInputObjectType({
      name: `${typeName(message)}Input`,
      fields: () =>
        Object.fromEntries(
          message.fields.map((field) => [
            field.jsonName,
            { type: listed(field, this.#scalar(field) ?? this.input(messageOf(field))) as GraphQLInputType },
          ]),
        ) as GraphQLInputFieldConfigMap,
    });
    this.#inputs.set(message.name, type);
    return type;
  }

  #outputField(field: Field) {
    const type = listed(field, this.#scalar(field) ?? this.output(messageOf(field))) as GraphQLOutputType;
    return {
      type,
      resolve: (source: Fields) => {
        const value = source[field.name];
        if (field.repeated) return value ?? [];
        // Where JSON says "NaN" or "Infinity", a GraphQL Float has no word.
        return field.kind === 'double' && typeof value === 'string' ? null : value;
      },
    };
  }

  #scalar(field: Field) {
    switch (field.kind) {
      case 'string':
      case 'bytes':
        return GraphQLString;
      case 'bool':
        return GraphQLBoolean;
      case 'int32':
        return GraphQLInt;
      case 'int64':
        return LongString;
      case 'double':
      case 'float':
        return GraphQLFloat;
      case 'enum':
        return this.#enum(field.enum!);
      default:
        return undefined;
    }
  }

  #enum(type: EnumType): GraphQLEnumType {
    const known = this.#enums.get(type.name);
    if (known !== undefined) return known;
    const values = Object.fromEntries(Object.keys(type.values).map((name) => [name, { value: name }]));
    const made = new GraphQLEnumType({ name: typeName(type), values });
    this.#enums.set(type.name, made);
    return made;
  }
}

const messageOf = (field: Field): Message => field.message ?? messageNamed(field.name);

/** As MLflow's schema has it, which queries spell in the types of their variables: text in a list may be null. */
const listed = <T extends GraphQLInputType | GraphQLOutputType>(field: Field, type: T) => {
  if (!field.repeated) return type;
  return new GraphQLList(field.kind === 'string' ? type : new GraphQLNonNull(type));
};
