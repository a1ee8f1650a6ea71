import { DomainError, invalid } from '@millrace/core';
import type { Handlers } from '@millrace/http';
import { parseJsonBody } from '@millrace/wire';
import type { FastifyRequest } from 'fastify';
import {
  type DocumentNode,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  parse,
  type SelectionSetNode,
  validate,
} from 'graphql';
import { trackingSchema } from './schema.ts';

const MAX_QUERY_LENGTH = 100_000;
const MAX_DEPTH = 10;
const MAX_SELECTIONS = 1_000;
const MAX_ROOT_FIELDS = 10;

/** Answers a request to `/graphql` in MLflow's form: `errors` is a list of sentences, or null. */
export class GraphQLEngine {
  readonly #schema: GraphQLSchema;

  constructor(handlers: Handlers) {
    this.#schema = trackingSchema(handlers);
  }

  async answer(http: FastifyRequest): Promise<object> {
    const schema = this.#schema;
    const { query, variables, operationName } = graphqlRequest(http.method, http.query, http.body);
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: 20_000 });
    } catch (error) {
      return { data: null, errors: [(error as Error).message] };
    }
    checkCost(document);
    const faults = validate(schema, document, undefined, { maxErrors: 10 });
    if (faults.length > 0) return { data: null, errors: faults.map(({ message }) => message) };
    const { data, errors } = await execute({
      schema,
      document,
      variableValues: variables,
      operationName,
      contextValue: { http },
    });
    return {
      data: data ?? null,
      errors: errors?.map(said) ?? null,
    };
  }
}

/** A defect's words stay in the log. */
function said({ originalError, message }: GraphQLError): string {
  if (originalError === undefined || originalError instanceof DomainError) return message;
  return 'The server failed to answer this field.';
}

interface GraphQLRequest {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly operationName: string | undefined;
}

function graphqlRequest(method: string, search: unknown, body: unknown): GraphQLRequest {
  const given =
    method === 'GET'
      ? (Object.fromEntries(search as URLSearchParams) as Record<string, unknown>)
      : (parseJsonBody((body as Uint8Array | undefined) ?? '{}') as Record<string, unknown>);
  const { query, operationName } = given;
  let { variables } = given;
  if (typeof query !== 'string' || query === '') throw invalid("Missing value for required parameter 'query'.");
  if (query.length > MAX_QUERY_LENGTH) {
    throw invalid(`The query has ${query.length} characters; it may have at most ${MAX_QUERY_LENGTH}.`);
  }
  if (typeof variables === 'string') variables = parseJsonBody(variables);
  if (variables !== undefined && variables !== null && (typeof variables !== 'object' || Array.isArray(variables))) {
    throw invalid("'variables' must be a JSON object.");
  }
  return {
    query,
    variables: (variables ?? undefined) as GraphQLRequest['variables'],
    operationName: typeof operationName === 'string' ? operationName : undefined,
  };
}

/** Bounds what one query may ask for, fragments unfolded where they are used. */
function checkCost(document: DocumentNode): void {
  const fragments = new Map<string, SelectionSetNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition.selectionSet);
  }
  let selections = 0;
  const visit = (set: SelectionSetNode, depth: number, open: readonly string[]): void => {
    if (depth > MAX_DEPTH) throw invalid(`The query is nested deeper than ${MAX_DEPTH} levels.`);
    for (const selection of set.selections) {
      if (++selections > MAX_SELECTIONS) throw invalid(`The query selects more than ${MAX_SELECTIONS} fields.`);
      if (selection.kind === Kind.FIELD && selection.selectionSet) visit(selection.selectionSet, depth + 1, open);
      if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet, depth, open);
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const name = selection.name.value;
        const fragment = fragments.get(name);
        if (open.includes(name)) throw invalid(`The fragment '${name.slice(0, 100)}' contains itself.`);
        if (fragment !== undefined) visit(fragment, depth, [...open, name]);
      }
    }
  };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    if (definition.selectionSet.selections.length > MAX_ROOT_FIELDS) {
      throw invalid(`The query has more than ${MAX_ROOT_FIELDS} root fields.`);
    }
    visit(definition.selectionSet, 1, []);
  }
}
