import type { Bench } from '../bench.ts';
import { mediansOf } from '../bench.ts';
import { atMost, type Measure, type Row } from '../report.ts';
import type { Scenario } from '../scenario.ts';
import { Server, type Side } from '../servers.ts';
import type { World } from '../world.ts';

const seconds = (value: number): string => `${Number(value.toPrecision(3))} s`;
const megabytes = (value: number): string => `${Math.round(value)} MB`;

/** Start, and memory after it, on a database that exists. */
const start: Scenario = {
  id: 'start',
  async run(bench) {
    const world: World = { kind: 'runs', runs: bench.options.sizes.searchRuns };
    await bench.filledFolders(world);
    const lanes = Object.fromEntries(bench.sides.map((side) => [side, () => startOnce(bench, world, side)]));
    const rounds = await bench.rounds(lanes);
    const { mlflow, millrace } = mediansOf(rounds);
    const only = (measure: Measure | undefined, ...names: (keyof Measure)[]): Measure =>
      Object.fromEntries(names.filter((name) => measure?.[name] !== undefined).map((name) => [name, measure?.[name]]));
    return [
      {
        id: 'start',
        work: 'start to healthy, existing database',
        ...(mlflow && { mlflow: only(mlflow, 'startSeconds', 'cpuMs') }),
        millrace: only(millrace, 'startSeconds', 'cpuMs'),
        limits: [],
        checks: [atMost('start', millrace?.startSeconds ?? Number.NaN, 1, seconds)],
        rounds,
      },
      {
        id: 'start-memory',
        work: 'resident memory, idle',
        ...(mlflow && { mlflow: only(mlflow, 'residentMb') }),
        millrace: only(millrace, 'residentMb'),
        limits: [],
        checks: [atMost('memory', millrace?.residentMb ?? Number.NaN, 120, megabytes)],
      },
    ];
  },
};

async function startOnce(bench: Bench, world: World, side: Side): Promise<Measure> {
  const server = await Server.start(bench.program(world, side));
  try {
    const cpuMs = server.cpuSeconds() * 1000;
    await server.settle();
    return { startSeconds: server.startSeconds, cpuMs, residentMb: server.memoryBytes() / 1e6 };
  } finally {
    await server.stop();
  }
}

/** Memory after many runs and as many metrics. */
const memory: Scenario = {
  id: 'memory-after',
  async run(bench) {
    const counts = bench.options.sizes.memoryRuns;
    const pair = await bench.pair({ kind: 'writes' });
    const measured: Partial<Record<Side, Measure>> = {};
    for (const name of bench.sides) {
      const { server, content } = pair[name]!;
      for (const plan of [
        { kind: 'create-run', experimentId: content.experimentId },
        { kind: 'log-metric', runIds: content.runIds },
      ] as const) {
        await server.measure({ clients: 16, plan, until: { operations: counts[name] } });
      }
      await server.settle();
      measured[name] = { residentMb: server.memoryBytes() / 1e6 };
    }
    const row: Row = {
      id: 'memory-after',
      work: `resident memory after ${counts.millrace.toLocaleString('en-US')} runs and as many metrics, and all rows above`,
      ...measured,
      limits: [],
      checks: [atMost('memory', measured.millrace?.residentMb ?? Number.NaN, 200, megabytes)],
    };
    if (!bench.options.oursOnly) row.note = `the real server: ${counts.mlflow.toLocaleString('en-US')}`;
    return [row];
  },
};

export const starts: Scenario[] = [start];
export const memories: Scenario[] = [memory];
