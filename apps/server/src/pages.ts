import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { type Database, read } from '@millrace/db';
import { contract, openApiDocument } from '@millrace/wire';
import type { FastifyInstance } from 'fastify';

const UI_DIST = fileURLToPath(new URL('../../ui/dist', import.meta.url));

const NO_UI = `<!doctype html><meta charset="utf-8"><title>Millrace</title>
<p>The API is running. The page is not built here: start the server with <code>npm start</code>, which builds it.</p>`;

/** The document says itself what it may load; who may frame it can only be said here. */
const CONTENT_SECURITY_POLICY = "frame-ancestors 'self'";

/** The UI, health checks and version. */
export function mountPages(app: FastifyInstance): void {
  app.get('/health', { exposeHeadRoute: true }, async () => 'OK');
  app.get('/livez', { exposeHeadRoute: true }, async () => 'OK');
  app.get('/version', async () => contract.mlflow);

  let openApi: string | undefined;
  app.get('/openapi.json', (_request, reply) => {
    openApi ??= JSON.stringify(openApiDocument({ title: 'Millrace', version: contract.mlflow }));
    return reply.type('application/json').send(openApi);
  });

  const index = join(UI_DIST, 'index.html');
  if (!existsSync(index)) {
    app.get('/', (_request, reply) => reply.type('text/html').send(NO_UI));
    return;
  }
  app.register(fastifyStatic, {
    root: UI_DIST,
    serve: true,
    wildcard: false,
    index: false,
    preCompressed: true,
    setHeaders: (response, path) => {
      const hashed = path.includes('/assets/');
      response.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  // Views are in the fragment, as the links that clients print have them.
  app.get('/', (_request, reply) =>
    reply
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .header('cache-control', 'no-cache')
      .sendFile('index.html'),
  );
}

const ping = read('server.ping', async (db) => (await db.all('SELECT 1')).length);

/** `/readyz` for load balancers: OK while the database answers, else the error that requests would get. */
export function mountReadiness(app: FastifyInstance, db: Database): void {
  app.get('/readyz', { exposeHeadRoute: true }, async () => {
    await db.read(ping, null);
    return 'OK';
  });
}
