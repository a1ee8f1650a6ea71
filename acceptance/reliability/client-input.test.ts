// Promise: no input of a client yields a 5xx (501 apart), a hang or a stack trace; every refusal is JSON with an error_code.
import { startServer, type TestServer } from '@millrace/tools/testkit';
import { encodeResponse, type Operation, operations, type Route, routesOf } from '@millrace/wire';
import { hostileRequest, validRequest } from '@millrace/wire/arbitrary';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  backends,
  expectErrorBody,
  expectNoIncident,
  isLong,
  newExperiment,
  newRun,
  post,
  send,
} from './support.ts';

const numRuns = isLong ? 300 : 12;

type Body = Record<string, unknown>;

/** Operations with a schema, one route each: the others are the same handler. */
const cases = [...operations.values()].flatMap((op) => {
  const route = routesOf(op)[0];
  return route === undefined || op.request === null ? [] : [{ op, route }];
});

/** Things that are there, so that requests get past the look-up. */
interface World {
  readonly experiment: string;
  readonly run: string;
  readonly model: string;
}

async function newWorld(url: string): Promise<World> {
  const experiment = await newExperiment(url);
  const run = await newRun(url, experiment);
  const created = await post<{ model: { info: { model_id: string } } }>(url, 'logged-models', {
    experiment_id: experiment,
    source_run_id: run,
  });
  return { experiment, run, model: created.model.info.model_id };
}

function withRealIds(body: Body, { experiment, run, model }: World): Body {
  const real: Body = {
    run_id: run,
    run_uuid: run,
    run_ids: [run],
    experiment_id: experiment,
    experiment_ids: [experiment],
    model_id: model,
    source_run_id: run,
  };
  const changed: Body = { ...body };
  for (const key of Object.keys(real)) if (key in changed) changed[key] = real[key];
  return changed;
}

function request(url: string, { method, path, params }: Route, body: Body): Promise<Answer> {
  const rest = { ...body };
  const filled = path.replace(/[:*](\w+)/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    const text = typeof value === 'string' ? value : value === undefined ? 'x' : encodeResponse(value);
    return encodeURIComponent(text.toWellFormed()) || 'x';
  });
  expect(params.every((name) => !(name in rest))).toBe(true);
  if (method !== 'GET')
    return send(url, method, filled, { body: encodeResponse(rest), headers: { 'content-type': 'application/json' } });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) {
    for (const item of Array.isArray(value) ? value : [value])
      query.append(name, typeof item === 'string' ? item : encodeResponse(item));
  }
  // What is longer meets the limit on headers, which is tested by itself.
  return send(url, method, `${filled}?${query}`.slice(0, 8_000).replace(/%.?$/, ''));
}

describe.each(backends)('on %s', (backend) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ backend });
  });
  afterAll(() => server.stop());

  test.each(cases.map(({ op, route }) => ({ name: op.id, op, route })))(
    '$name',
    async ({ op, route }: { op: Operation; route: Route }) => {
      const world = await newWorld(server.url);
      const bodies = fc.oneof(
        validRequest(op),
        hostileRequest(op),
        validRequest(op).map((body) => withRealIds(body, world)),
        hostileRequest(op).map((body) => withRealIds(body, world)),
      );
      await fc.assert(
        fc.asyncProperty(bodies, async (body) => {
          const answer = await request(server.url, route, body);
          if (answer.status >= 400) expectErrorBody(answer, `${op.id} ${encodeResponse(body).slice(0, 2_000)}`);
          expect([200, 201, 204, 400, 403, 404, 409, 413, 414, 431, 501], answer.text).toContain(answer.status);
        }),
        { numRuns, ...(process.env.MILLRACE_TEST_SEED && { seed: Number(process.env.MILLRACE_TEST_SEED) }) },
      );
    },
  );

  test('the server wrote of no incident', () => expectNoIncident(server));
});
