import { createApp, mountOperations } from '@millrace/http';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { TestDialect } from '../../../tools/testkit/index.ts';
import { createExperiment } from '../src/experiments/experiment.commands.ts';
import { loggedModelHandlers } from '../src/logged-models/logged-model.routes.ts';
import { createRun, logBatch } from '../src/runs/run.commands.ts';
import type { MetricPoint } from '../src/runs/run.ts';
import { openWorld, type World } from './world.ts';

export interface Point {
  readonly key: string;
  readonly value: number | string;
  readonly dataset_name?: string;
  readonly dataset_digest?: string;
}

export interface Model {
  readonly info: { readonly model_id: string; readonly name: string; readonly status: string };
  readonly data: { readonly metrics?: readonly Point[] };
}

export interface Found {
  readonly models?: readonly Model[];
  readonly next_page_token?: string;
}

export const RUN = 'a'.repeat(32);
export const OTHER_RUN = 'b'.repeat(32);
const BASE = '/api/2.0/mlflow/logged-models';

/** What changes from test to test. */
interface State {
  world: World;
  now: number;
  /** A new one for each test. */
  experiment: string;
}

/** The logged model API over a database of its own, for the tests of one `describe`. */
export function useModels(dialect: TestDialect) {
  const models = { now: 1_000 } as State;
  let app: FastifyInstance;
  let experiments = 0;

  beforeAll(async () => {
    models.world = await openWorld(dialect);
    app = createApp({
      logLevel: 'silent',
      allowedHosts: [],
      allowedOrigins: [],
    });
    mountOperations(app, loggedModelHandlers({ db: models.world.db, clock: { now: () => models.now } }));
    for (const runUuid of [RUN, OTHER_RUN]) {
      const run = { runUuid, experimentId: '0', name: runUuid, userId: 'u', startTime: 0, tags: [] };
      await models.world.db.write(createRun, run);
    }
  });
  afterAll(async () => {
    await app.close();
    await models.world.close();
  });
  beforeEach(async () => {
    models.experiment = await newExperiment();
  });

  const newExperiment = () => {
    const name = `experiment ${++experiments}`;
    return models.world.db.write(createExperiment, {
      name,
      artifactLocation: undefined,
      artifactRoot: 'mlflow-artifacts:/',
      tags: [],
      now: models.now,
    });
  };
  const ask = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => {
    const headers = { host: 'localhost', 'content-type': 'application/json' };
    const answer = await app.inject({
      method,
      url: BASE + path,
      headers,
      ...(body && { payload: JSON.stringify(body) }),
    });
    return { status: answer.statusCode, body: JSON.parse(answer.body) as unknown };
  };
  const ok = async <T>(...call: Parameters<typeof ask>): Promise<T> => {
    const { status, body } = await ask(...call);
    expect(status, JSON.stringify(body).slice(0, 500)).toBe(200);
    return body as T;
  };
  const create = async (fields: object): Promise<string> => {
    const body = { experiment_id: models.experiment, ...fields };
    return (await ok<{ model: Model }>('POST', '', body)).model.info.model_id;
  };
  const read = async (id: string) => (await ok<{ model: Model }>('GET', `/${id}`)).model;
  const log = (modelId: string, points: readonly Partial<MetricPoint>[], runUuid = RUN) =>
    models.world.db.write(logBatch, {
      runUuid,
      params: [],
      tags: [],
      metrics: points.map((point) => ({ key: 'm', value: 1, timestamp: 1, step: 0, model_id: modelId, ...point })),
    });
  const search = (body: object) => ok<Found>('POST', '/search', { experiment_ids: [models.experiment], ...body });
  const names = ({ models: found = [] }: Found) => found.map(({ info }) => info.name);

  return { models, newExperiment, ask, ok, create, read, log, search, names };
}
