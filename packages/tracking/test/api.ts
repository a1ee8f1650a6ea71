import { type Database, read, type SqlRow, type SqlValue } from '@millrace/db';
import { createApp, mountOperations } from '@millrace/http';
import { type ArtifactStore, openStore } from '@millrace/objects';
import type { TestDialect } from '../../../tools/testkit/index.ts';
import { tempDir } from '../../../tools/testkit/index.ts';
import { ArtifactPlaces, RunDocs, trackingHandlers } from '../src/index.ts';
import { openWorld, type World } from './world.ts';

export interface Answer<T> {
  readonly status: number;
  readonly text: string;
  readonly body: T & { readonly error_code?: string; readonly message?: string };
}

/** The tracking API over a fresh database and a folder, without a socket. */
export interface Api extends World {
  readonly store: ArtifactStore;
  readonly places: ArtifactPlaces;
  /** What the server takes for now, in milliseconds. */
  now: number;
  get<T = object>(path: string, query?: Readonly<Record<string, string | readonly string[]>>): Promise<Answer<T>>;
  post<T = object>(path: string, body: object | string): Promise<Answer<T>>;
  /** The body of a request that has to succeed. */
  ok<T = object>(answer: Promise<Answer<T>>): Promise<T>;
}

export async function openApi(dialect: TestDialect): Promise<Api> {
  const world = await openWorld(dialect);
  const store = await openStore(tempDir('artifacts'));
  const places = new ArtifactPlaces({ proxied: store, locations: {} });
  const docs = new RunDocs(world.db);
  const app = createApp({ logLevel: 'silent', allowedHosts: [], allowedOrigins: [] });
  const clock = { now: () => api.now };
  mountOperations(
    app,
    trackingHandlers({
      db: world.db,
      clock,
      docs,
      places,
      artifactRoot: 'mlflow-artifacts:/',
      locations: {},
      truncateLongValues: true,
    }),
  );
  const answer = <T>({ statusCode, body: text }: { statusCode: number; body: string }): Answer<T> => ({
    status: statusCode,
    text,
    body: JSON.parse(text) as Answer<T>['body'],
  });
  const url = (path: string) => (path.startsWith('/') ? path : `/api/2.0/mlflow/${path}`);
  const api: Api = {
    db: world.db,
    store,
    places,
    now: 1_000,
    get: async (path, query = {}) => {
      const pairs = Object.entries(query).flatMap(([key, value]) => [value].flat().map((item) => [key, item]));
      const search = new URLSearchParams(pairs as [string, string][]);
      return answer(await app.inject({ url: `${url(path)}?${search}`, headers: { host: 'localhost' } }));
    },
    post: async (path, body) =>
      answer(
        await app.inject({
          method: 'POST',
          url: url(path),
          headers: { host: 'localhost', 'content-type': 'application/json' },
          payload: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      ),
    ok: async (sent) => {
      const { status, text, body } = await sent;
      if (status !== 200) throw new Error(`${status} ${text.slice(0, 500)}`);
      return body;
    },
    close: async () => {
      await app.close();
      await docs.close();
      await places.close();
      await world.close();
    },
  };
  return api;
}

/** Rows of a query on the calling thread: what the tables hold, where no request tells. */
export const inspect = (db: Database, text: string, params: readonly SqlValue[] = []): Promise<SqlRow[]> =>
  db.read(
    read('test.inspect', async (reader) => reader.all(text, params)),
    undefined,
  );
