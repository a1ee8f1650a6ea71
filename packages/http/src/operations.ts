import { Readable } from 'node:stream';
import { DomainError } from '@millrace/core';
import {
  decodeRequest,
  encodeResponse,
  type Operation,
  type OperationTypes,
  operations,
  parseJsonBody,
  routesOf,
} from '@millrace/wire';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';

/** Who asks, and how: what a handler may know of the request besides its message. */
export interface CallContext {
  readonly http: FastifyRequest;
}

/** JSON that is ready to be sent: reads that are made as text stay text. */
export class Json {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type OperationId = keyof OperationTypes;

export type Handler<Id extends OperationId> = (
  request: OperationTypes[Id]['request'],
  context: CallContext,
) => Promise<Answer<Id>> | Answer<Id>;

/** A message, or its JSON ready to be sent, whole or piece by piece. */
type Answer<Id extends OperationId> = OperationTypes[Id]['response'] | Json | Readable;

/** What a feature answers, by operation. */
export type Handlers = { readonly [Id in OperationId]?: Handler<Id> };

/** A call whose body is not read: bytes stream in and out. */
export interface RawCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Path parameters, percent-decoded once. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export type RawHandlers = { readonly [Id in OperationId]?: (call: RawCall) => Promise<unknown> };

type AnyHandler = (request: Record<string, unknown>, context: CallContext) => unknown;

/** Mounts the operations of the contract that somebody handles; the others answer 501 (see `refuseUnhandled`). */
export function mountOperations(app: FastifyInstance, handlers: Handlers, rawHandlers: RawHandlers = {}): void {
  const raw: RouteOptions[] = [];
  const mounted = new Set<string>();
  for (const op of operations.values()) {
    const rawHandler = rawHandlers[op.id as OperationId];
    const handler = handlers[op.id as OperationId] as AnyHandler | undefined;
    if (rawHandler === undefined && handler === undefined) continue;
    for (const { method, path } of routesOf(op)) {
      const url = fastifyPath(path);
      const name = `${method} ${url}`;
      if (mounted.has(name) || app.hasRoute({ method, url })) continue;
      mounted.add(name);
      const route = { method, url, config: { restName: /\*(\w+)$/.exec(path)?.[1] } };
      if (handler !== undefined) app.route({ ...route, handler: bind(op, handler) });
      else raw.push({ ...route, method: method === 'GET' ? ['GET', 'HEAD'] : method, handler: bindRaw(rawHandler!) });
    }
  }
  app.register(async (scope) => {
    passBodies(scope);
    for (const route of raw) scope.route(route);
  });
}

let contractRoutes: { readonly method: string; readonly path: RegExp; readonly rpc: string }[] | undefined;

/**
 * Throws 501 where a request that found no route names an operation of the contract. Hundreds of them are not handled
 * yet: as routes they would cost more memory than everything that is.
 */
export function refuseUnhandled({ method, url }: FastifyRequest): void {
  contractRoutes ??= [...operations.values()].flatMap((op) =>
    routesOf(op).map((route) => ({ method: route.method, path: pathPattern(route.path), rpc: op.rpc })),
  );
  const path = url.split('?')[0]!;
  const route = contractRoutes.find((candidate) => candidate.method === method && candidate.path.test(path));
  if (route !== undefined) {
    throw new DomainError('NOT_IMPLEMENTED', `${route.rpc} is not available on this server yet.`);
  }
}

const pathPattern = (path: string) =>
  new RegExp(
    `^${path
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:\w+/g, '[^/]+')
      .replace(/\*\w+/g, '.+')}$`,
  );

/** Mounts a route of ours, beside the contract, whose body streams. */
export function mountRaw(
  app: FastifyInstance,
  method: 'PUT',
  url: string,
  handler: (call: RawCall) => Promise<unknown>,
): void {
  app.register(async (scope) => {
    passBodies(scope);
    scope.route({ method, url, handler: bindRaw(handler) });
  });
}

function passBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
}

const bindRaw = (handler: (call: RawCall) => Promise<unknown>) => (request: FastifyRequest, reply: FastifyReply) =>
  handler({ request, reply, path: pathParams(request), query: request.query as URLSearchParams });

/** The router knows a rest-of-path only at the end: what follows one in the contract is part of it. */
const fastifyPath = (path: string) => path.replace(/\*.*$/, '*');

function bind(op: Operation, handler: AnyHandler) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const answer = await handler(decode(op, request), { http: request });
    reply.type('application/json');
    if (answer instanceof Json) return answer.text;
    return answer instanceof Readable ? answer : encodeResponse(answer ?? {});
  };
}

/** The router calls the rest of a path `*`; the contract has a name for it, given with the route. */
function pathParams({ params, routeOptions }: FastifyRequest): Record<string, string> {
  const { '*': rest, ...named } = params as Record<string, string>;
  const { restName } = routeOptions.config as { restName?: string };
  return rest === undefined || restName === undefined ? named : { ...named, [restName]: rest };
}

function decode(op: Operation, request: FastifyRequest): Record<string, unknown> {
  const path = pathParams(request);
  if (request.method === 'GET') return decodeRequest(op, { query: request.query as Iterable<[string, string]>, path });
  const contentType = request.headers['content-type'] ?? '';
  if ((request.method === 'POST' || request.method === 'PUT') && !/^application\/json\b/i.test(contentType)) {
    throw new DomainError(
      'INVALID_PARAMETER_VALUE',
      `Bad Request. Content-Type should be 'application/json', it is '${contentType.slice(0, 100)}'.`,
    );
  }
  const body = request.body as Buffer | undefined;
  return decodeRequest(op, { body: body === undefined ? {} : parseJsonBody(body), path });
}
