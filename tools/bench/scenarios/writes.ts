import { atMost } from '../report.ts';
import { type Comparison, comparison, cpuTimes, type Scenario, shareOf, speedTimes } from '../scenario.ts';
import { createRun, type World } from '../world.ts';

const API = '/api/2.0/mlflow';
const world = (): World => ({ kind: 'writes' });
const milliseconds = (value: number): string => `${Number(value.toPrecision(3))} ms`;

function clientsText(clients: number): string {
  return clients === 1 ? '1 client' : `${clients} clients`;
}

function singleWrite(kind: 'log-metric' | 'log-parameter' | 'set-tag', clients: 1 | 16): Scenario {
  return comparison({
    id: `${kind}-${clients}`,
    work: () => `${kind}, ${clientsText(clients)}`,
    world,
    job: async ({ content }) => ({ clients, plan: { kind, runIds: content.runIds } }),
    limits: clients === 1 ? { hello: true, durable: true } : { hello: true, fsync: true },
    checks: (row, { hello }) => [
      ...(clients === 16 ? speedTimes(row, 100) : []),
      atMost('CPU', row.millrace?.cpuMs ?? Number.NaN, 0.1, milliseconds),
      ...(clients === 16 ? shareOf('of the bare server', row.millrace, hello, 0.5) : []),
    ],
  });
}

function batch(metrics: number, clients: 1 | 16): Scenario {
  return comparison({
    id: `log-batch-${metrics}-${clients}`,
    work: () => `log-batch of ${metrics.toLocaleString('en-US')} metrics, ${clientsText(clients)}`,
    world,
    job: async ({ content }) => ({ clients, plan: { kind: 'log-batch', runIds: content.runIds, metrics } }),
    limits: clients === 1 ? { durable: true } : { hello: true, fsync: true },
    checks: (row) => cpuTimes(row, 40),
  });
}

function lifecycle(clients: 1 | 16): Scenario {
  return comparison({
    id: `lifecycle-${clients}`,
    work: () => `create run … finish (5 requests), ${clientsText(clients)}`,
    world,
    job: async ({ content }) => ({ clients, plan: { kind: 'lifecycle', experimentId: content.experimentId } }),
    limits: { fsync: true },
    checks: (row) => cpuTimes(row, 60),
  });
}

const getRun: Comparison = {
  id: 'get-run',
  work: () => 'get run with 50 params and 50 metrics',
  world,
  job: async ({ server, content }) => {
    const runId = await createRun(server, content.experimentId);
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    await server.request('POST', `${API}/runs/log-batch`, {
      run_id: runId,
      params: numbers.map((index) => ({ key: `param_${index}`, value: `value ${index}` })),
      metrics: numbers.map((index) => ({ key: `metric_${index}`, value: index / 7, timestamp: 1, step: 1 })),
    });
    return { clients: 1, plan: { kind: 'get', paths: [`${API}/runs/get?run_id=${runId}`] } };
  },
  limits: { hello: true },
  checks: (row) => cpuTimes(row, 60),
};

export const writes: Scenario[] = [
  ...(['log-metric', 'log-parameter', 'set-tag'] as const).flatMap((kind) => [
    singleWrite(kind, 1),
    singleWrite(kind, 16),
  ]),
  batch(100, 1),
  batch(100, 16),
  batch(1000, 1),
  batch(1000, 16),
  lifecycle(1),
  lifecycle(16),
  comparison(getRun),
];
