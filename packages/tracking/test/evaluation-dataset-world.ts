import { createHash } from 'node:crypto';
import { createApp, mountOperations } from '@millrace/http';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect } from 'vitest';
import type { TestDialect } from '../../../tools/testkit/index.ts';
import { evaluationDatasetHandlers } from '../src/evaluation-datasets/evaluation-dataset.routes.ts';
import { createExperiment } from '../src/experiments/experiment.commands.ts';
import { openWorld, type World } from './world.ts';

export interface Dataset {
  readonly dataset_id: string;
  readonly name: string;
  readonly tags: string;
  readonly schema?: string;
  readonly profile?: string;
  readonly digest: string;
  readonly created_time: number;
  readonly last_update_time: number;
  readonly created_by?: string;
  readonly last_updated_by?: string;
  readonly experiment_ids?: readonly string[];
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = Record<string, Json>;

export interface DatasetRecord {
  readonly dataset_record_id: string;
  readonly inputs: Fields;
  readonly [key: string]: Json;
}

export interface Counts {
  readonly inserted_count: number;
  readonly updated_count: number;
}

const BASE = '/api/3.0/mlflow/datasets';
export const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);

/** The evaluation dataset API over a database of its own with experiments 0, 1 and 2, for the tests of one `describe`. */
export function useDatasets(dialect: TestDialect) {
  const at = { now: 1_000 } as { world: World; now: number };
  let app: FastifyInstance;

  beforeAll(async () => {
    at.world = await openWorld(dialect);
    app = createApp({ logLevel: 'silent', allowedHosts: [], allowedOrigins: [] });
    mountOperations(app, evaluationDatasetHandlers({ db: at.world.db, clock: { now: () => at.now } }));
    for (const name of ['one', 'two']) {
      await at.world.db.write(createExperiment, {
        name,
        artifactLocation: undefined,
        artifactRoot: 'x:/',
        tags: [],
        now: at.now,
      });
    }
  });
  afterAll(async () => {
    await app.close();
    await at.world.close();
  });

  const ask = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => {
    const answer = await app.inject({
      method,
      url: BASE + path,
      headers: { host: 'localhost', 'content-type': 'application/json' },
      ...(body && { payload: JSON.stringify(body) }),
    });
    return { status: answer.statusCode, body: JSON.parse(answer.body) as unknown };
  };
  const ok = async <T>(...call: Parameters<typeof ask>): Promise<T> => {
    const { status, body } = await ask(...call);
    expect(status, JSON.stringify(body).slice(0, 500)).toBe(200);
    return body as T;
  };
  const create = async (fields: object = {}): Promise<Dataset> =>
    (await ok<{ dataset: Dataset }>('POST', '/create', { name: 'd', ...fields })).dataset;
  const get = async (id: string) => (await ok<{ dataset: Dataset }>('GET', `/${id}`)).dataset;
  const upsert = (id: string, records: readonly object[] | string) =>
    ok<Counts>('POST', `/${id}/records`, {
      records: typeof records === 'string' ? records : JSON.stringify(records),
    });
  const page = async (id: string, query = '') => {
    const body = await ok<{ records: string; next_page_token?: string }>('GET', `/${id}/records${query}`);
    return { text: body.records, token: body.next_page_token };
  };
  const records = async (id: string) => JSON.parse((await page(id, '?max_results=50000')).text) as DatasetRecord[];
  const digest = (name: string, time: number) =>
    createHash('sha256').update(`${name}:${time}`).digest('hex').slice(0, 8);

  return { at, ask, ok, create, get, upsert, page, records, digest };
}
