import type { Bench, Filled } from '../bench.ts';
import { atMost } from '../report.ts';
import { comparison, cpuTimes, expectEqual, type Scenario } from '../scenario.ts';
import { HISTORY_KEY } from '../seeds/recipe.ts';
import type { World } from '../world.ts';

const PAGE = 25_000;
const SAMPLES = 320;
/** Flat memory: what a server may hold more while it answers, however many points it answers. */
const FLAT_MB = 64;

const world = (bench: Bench): World => ({ kind: 'history', points: bench.options.sizes.historyPoints });
const points = (bench: Bench): string => bench.options.sizes.historyPoints.toLocaleString('en-US');

function allPath({ content }: Filled): string {
  return `/api/2.0/mlflow/metrics/get-history?run_id=${content.runIds[0]}&metric_key=${HISTORY_KEY}`;
}

function sampledPath({ content }: Filled): string {
  return `/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=${content.runIds[0]}&metric_key=${HISTORY_KEY}&max_results=${SAMPLES}`;
}

async function countMetrics({ server }: Filled, path: string): Promise<number> {
  return (await server.request<{ metrics?: unknown[] }>('GET', path)).metrics?.length ?? 0;
}

export const histories: Scenario[] = [
  comparison({
    id: 'history-page',
    work: (bench) => `metric history of ${points(bench)} points: page of ${PAGE.toLocaleString('en-US')}`,
    world,
    verify: async (side) =>
      expectEqual('points', await countMetrics(side, `${allPath(side)}&max_results=${PAGE}`), PAGE),
    job: async (side) => ({ clients: 1, plan: { kind: 'get', paths: [`${allPath(side)}&max_results=${PAGE}`] } }),
    checks: (row) => cpuTimes(row, 20),
  }),
  comparison({
    id: 'history-sampled',
    work: (bench) => `metric history of ${points(bench)} points: sampled to ${SAMPLES}`,
    world,
    verify: async (side) => {
      const found = await countMetrics(side, sampledPath(side));
      if (found < SAMPLES || found > SAMPLES + 2) throw new Error(`sampled to ${found} points, not ${SAMPLES}`);
    },
    job: async (side) => ({ clients: 1, plan: { kind: 'get', paths: [sampledPath(side)] } }),
    checks: (row) => cpuTimes(row, 100),
  }),
  comparison({
    id: 'history-all',
    work: (bench) => `metric history: all ${points(bench)} points in one answer`,
    world,
    verify: async (side, bench) =>
      expectEqual('points', await countMetrics(side, allPath(side)), bench.options.sizes.historyPoints),
    job: async (side) => ({ clients: 1, plan: { kind: 'get', paths: [allPath(side)] }, operations: 1 }),
    watchMemory: true,
    onlyFullOnMlflow: true,
    checks: (row) => [
      ...cpuTimes(row, 15),
      atMost('memory grows', row.millrace?.growthMb ?? Number.NaN, FLAT_MB, (mb) => `${Math.round(mb)} MB`),
    ],
  }),
];
