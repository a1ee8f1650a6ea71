import { contract } from './contract.ts';
import type { Field, Message } from './message.ts';
import { type Operation, operations, type Route, routesOf } from './operation.ts';

type Json = Record<string, unknown>;

export interface OpenApiOptions {
  readonly title: string;
  readonly version: string;
  /** Which operations to list; without it every operation of the open-source server. */
  readonly includes?: (op: Operation) => boolean;
}

/** The OpenAPI 3.1 document of the contract. Of the twin routes below `/api` and `/ajax-api` it lists the first. */
export function openApiDocument({ title, version, includes = () => true }: OpenApiOptions): Json {
  const listed = [...operations.values()].filter((op) => op.oss && includes(op));
  const schemas = new Schemas();
  const paths: Record<string, Json> = {};
  for (const op of listed) {
    for (const route of documentedRoutes(op)) {
      const path = route.path.replace(/[:*](\w+)/g, '{$1}');
      paths[path] ??= {};
      paths[path][route.method.toLowerCase()] = describe(op, route, schemas);
    }
  }
  const tags = [...new Set(listed.map(areaOf))].sort().map((name) => ({ name }));
  return {
    openapi: '3.1.0',
    info: {
      title,
      version,
      description: `Speaks the REST API of MLflow ${contract.mlflow}.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{}, { basic: [] }, { bearer: [] }],
    tags,
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: { basic: { type: 'http', scheme: 'basic' }, bearer: { type: 'http', scheme: 'bearer' } },
      responses: errorResponses,
      schemas: { Error: errorSchema, ...schemas.components() },
    },
  };
}

const documentedRoutes = (op: Operation): Route[] =>
  routesOf(op).filter(({ method, path }, _, all) => {
    const twin = path.replace(/^\/ajax-api/, '/api');
    return twin === path || !all.some((other) => other.method === method && other.path === twin);
  });

/** The audit event's first half: `runs` of `runs.create`. */
const areaOf = (op: Operation): string => op.audit!.split('.')[0]!;

function describe(op: Operation, route: Route, schemas: Schemas): Json {
  const fields = op.request?.fields ?? [];
  const inPath = new Set(route.params);
  const rest = fields.filter((field) => !inPath.has(field.name));
  const parameters = route.params.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const reads = route.method === 'GET';
  const query = reads ? rest.filter((field) => !field.message).map((field) => queryParameter(op, field)) : [];
  const methods = new Set(op.endpoints.map((endpoint) => endpoint.method));
  return {
    operationId: methods.size > 1 ? `${op.id}.${route.method.toLowerCase()}` : routeId(op, route),
    summary: op.title ?? op.rpc,
    tags: [areaOf(op)],
    ...(op.permission === 'open' && { security: [{}] }),
    'x-permission': op.permission,
    ...(parameters.length + query.length > 0 && { parameters: [...parameters, ...query] }),
    ...(!reads &&
      op.request !== null &&
      rest.length > 0 && { requestBody: requestBody(op, op.request, rest, schemas) }),
    responses: {
      200: { description: 'Success', ...(op.response && { content: json(schemas.reference(op.response)) }) },
      ...Object.fromEntries(Object.keys(errorResponses).map((name) => [statusOf[name], reference('responses', name)])),
    },
  };
}

/** An operation that has several routes for one method gives each its version. */
function routeId(op: Operation, route: Route): string {
  const several = documentedRoutes(op).length > 1;
  return several ? `${op.id}.${/\/(\d)\.0\//.exec(route.path)?.[1] ?? ''}` : op.id;
}

const isDemanded = (op: Operation, field: Field): boolean => op.checks[field.name]?.includes('required') ?? false;

function queryParameter(op: Operation, field: Field): Json {
  return { name: field.name, in: 'query', required: isDemanded(op, field), schema: fieldSchema(field, undefined) };
}

function requestBody(op: Operation, request: Message, fields: readonly Field[], schemas: Schemas): Json {
  const required = fields.filter((field) => isDemanded(op, field)).map((field) => field.name);
  const schema = schemas.reference(request);
  return {
    required: required.length > 0,
    content: json(required.length > 0 ? { allOf: [schema], required } : schema),
  };
}

const json = (schema: Json): Json => ({ 'application/json': { schema } });

const reference = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

/** The schemas that a document refers to, gathered while it is written. */
class Schemas {
  readonly #found = new Map<string, Json>();

  reference(message: Message): Json {
    if (message.wellKnown) return wellKnownSchemas[message.name] ?? { type: 'string' };
    if (!this.#found.has(message.name)) {
      const properties: Json = {};
      this.#found.set(message.name, { type: 'object', properties });
      for (const field of message.fields) properties[field.name] = fieldSchema(field, this);
    }
    return reference('schemas', message.name);
  }

  components(): Json {
    return Object.fromEntries([...this.#found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function fieldSchema(field: Field, schemas: Schemas | undefined): Json {
  const element = elementSchema(field, schemas);
  if (field.map) return { type: 'object', additionalProperties: element };
  if (field.repeated) return { type: 'array', items: element };
  return field.default === undefined ? element : { ...element, default: field.default };
}

function elementSchema(field: Field, schemas: Schemas | undefined): Json {
  if (field.enum) return { type: 'string', enum: Object.keys(field.enum.values) };
  if (field.message && schemas) return schemas.reference(field.message);
  return scalarSchemas[field.kind] ?? { type: 'string' };
}

const double = { oneOf: [{ type: 'number' }, { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] }] };

const scalarSchemas: Readonly<Record<string, Json>> = {
  bool: { type: 'boolean' },
  bytes: { type: 'string', contentEncoding: 'base64' },
  double,
  float: double,
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  uint32: { type: 'integer', minimum: 0 },
  uint64: { type: 'integer', minimum: 0 },
  fixed32: { type: 'integer', minimum: 0 },
  fixed64: { type: 'integer', minimum: 0 },
};

const wellKnownSchemas: Readonly<Record<string, Json>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Value': {},
  'google.protobuf.Struct': { type: 'object' },
  'google.protobuf.ListValue': { type: 'array' },
  'google.protobuf.Empty': { type: 'object' },
};

const errorSchema: Json = {
  type: 'object',
  required: ['error_code', 'message'],
  properties: {
    error_code: { type: 'string', examples: ['INVALID_PARAMETER_VALUE', 'RESOURCE_DOES_NOT_EXIST'] },
    message: { type: 'string' },
  },
};

const statusOf: Readonly<Record<string, string>> = {
  InvalidRequest: '400',
  Unauthenticated: '401',
  PermissionDenied: '403',
  NotFound: '404',
  Error: 'default',
};

const errorResponses: Readonly<Record<string, Json>> = Object.fromEntries(
  Object.entries({
    InvalidRequest: 'The request is malformed, breaks a rule or a limit, or what it creates already exists.',
    Unauthenticated: 'No valid credentials.',
    PermissionDenied: 'The caller lacks the permission that the operation names.',
    NotFound: 'What the request names does not exist.',
    Error: 'Any other failure; error_code says which.',
  }).map(([name, description]) => [name, { description, content: json(reference('schemas', 'Error')) }]),
);
