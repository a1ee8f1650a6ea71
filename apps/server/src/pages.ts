import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { contract, openApiDocument } from '@millrace/wire';
import type { FastifyInstance } from 'fastify';

const UI_DIST = fileURLToPath(new URL('../../ui/dist', import.meta.url));

const NO_UI = `<!doctype html><meta charset="utf-8"><title>Millrace</title>
<p>The API is running. The page is not built here: start the server with <code>npm start</code>, which builds it.</p>`;

/** Pages of the UI find their way in the browser: each of their addresses is answered with the same document. */
const UI_ROUTES = ['/', '/experiments', '/experiments/*', '/runs/*', '/compare-runs'];

/** The browser loads nothing from elsewhere, and nothing of an artifact runs here. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'";

/** The UI, health checks and version. */
export function mountPages(app: FastifyInstance): void {
  app.get('/health', async () => 'OK');
  app.get('/livez', async () => 'OK');
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
  for (const url of UI_ROUTES) {
    app.get(url, (_request, reply) =>
      reply
        .header('content-security-policy', CONTENT_SECURITY_POLICY)
        .header('cache-control', 'no-cache')
        .sendFile('index.html'),
    );
  }
}
