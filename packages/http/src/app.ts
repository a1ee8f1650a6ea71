import { DomainError } from '@millrace/core';
import fastify, { type FastifyInstance, LogController } from 'fastify';
import { drain } from './drain.ts';
import { JSON_BODY_LIMIT, sendError } from './errors.ts';
import { IdleConnections } from './idle.ts';
import { refuseUnhandled } from './operations.ts';
import { crossOrigin, type SecurityOptions, securityCheck } from './security.ts';

export interface AppOptions extends SecurityOptions {
  readonly logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

/** A client has this long to send its headers, and this long between two pieces of a body. */
const HEADERS_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;

/** The HTTP server with everything that every surface shares: limits, security checks, error bodies. */
export function createApp(options: AppOptions): FastifyInstance {
  const app = fastify({
    logger: { level: options.logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: JSON_BODY_LIMIT,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: 75_000,
    // A streamed artifact may take as long as it likes while bytes flow.
    requestTimeout: 0,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: {
      maxParamLength: 4096,
      querystringParser: (text) => new URLSearchParams(text) as unknown as Record<string, unknown>,
    },
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 2_000 },
  });

  // MLflow's clients label bodies in many ways: bytes come in as they are, each surface reads them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.addHook('preClose', () => drain(app.server));
  const idle = new IdleConnections(app.server, IDLE_TIMEOUT_MS);
  const check = securityCheck(options);
  const admit = crossOrigin(options);
  app.addHook('onRequest', (request, reply, done) => {
    idle.began(request.raw, reply.raw);
    reply.raw.setHeader('x-content-type-options', 'nosniff');
    reply.raw.setHeader('x-frame-options', 'SAMEORIGIN');
    try {
      check(request);
      if (!admit(request, reply)) done();
    } catch (error) {
      done(error as Error);
    }
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler((request) => {
    refuseUnhandled(request);
    const path = request.url.split('?')[0]!.slice(0, 200);
    throw new DomainError('ENDPOINT_NOT_FOUND', `No API found for '${request.method} ${path}'`);
  });
  return app;
}
