import { type Bench, type Filled, mediansOf } from './bench.ts';
import type { LoadJob } from './load.ts';
import { atLeast, type Check, type Measure, number, type Row, ratios } from './report.ts';
import type { World } from './world.ts';

/** One or more rows of the table. */
export interface Scenario {
  id: string;
  run(bench: Bench): Promise<Row[]>;
}

export interface Limits {
  hello?: Measure;
  durable?: Measure;
  fsync?: Measure;
  copy?: Measure;
}

/** The same work on both sides, in interleaved windows. */
export interface Comparison {
  id: string;
  work(bench: Bench): string;
  world(bench: Bench): World;
  /** What to do, and with how many clients. Windows of time unless it says how many operations. */
  job(side: Filled, bench: Bench): Promise<Pick<LoadJob, 'clients' | 'plan'> & { operations?: number }>;
  /** Throws when a side does not answer what this work is about. */
  verify?(side: Filled, bench: Bench): Promise<void>;
  watchMemory?: boolean;
  limits?: { hello?: true; durable?: true; fsync?: true; copyBytes?(bench: Bench): number };
  /** True for work that takes the real server too long without --full. */
  onlyFullOnMlflow?: boolean;
  checks(row: Pick<Row, 'mlflow' | 'millrace'>, limits: Limits): Check[];
}

export function comparison(spec: Comparison): Scenario {
  return { id: spec.id, run: async (bench) => [await compare(bench, spec)] };
}

async function compare(bench: Bench, spec: Comparison): Promise<Row> {
  const pair = await bench.pair(spec.world(bench));
  const lanes: Record<string, () => Promise<Measure>> = {};
  const leftOut = spec.onlyFullOnMlflow === true && bench.options.mode !== 'full' && pair.mlflow !== undefined;
  for (const name of bench.sides) {
    const side = pair[name];
    if (side === undefined || (name === 'mlflow' && leftOut)) continue;
    await spec.verify?.(side, bench);
    const { clients, plan, operations } = await spec.job(side, bench);
    const until = operations === undefined ? { seconds: bench.options.sizes.windowSeconds } : { operations };
    lanes[name] = () => side.server.measure({ clients, plan, until }, { memory: spec.watchMemory ?? false });
    if (name !== 'millrace') continue;
    for (const limit of ['hello', 'durable'] as const) {
      if (!spec.limits?.[limit]) continue;
      const server = await bench.hello(limit === 'durable');
      lanes[limit] = () => server.measure({ clients, plan, until });
    }
  }
  if (spec.limits?.fsync) lanes.fsync = async () => bench.fsync();
  const copyBytes = spec.limits?.copyBytes?.(bench);
  if (copyBytes !== undefined) lanes.copy = async () => bench.copy(copyBytes);

  const rounds = await bench.rounds(lanes);
  const { mlflow, millrace, hello, durable, fsync, copy } = mediansOf(rounds);
  const sides = { ...(mlflow && { mlflow }), ...(millrace && { millrace }) };
  const limits: Limits = {
    ...(hello && { hello }),
    ...(durable && { durable }),
    ...(fsync && { fsync }),
    ...(copy && { copy }),
  };
  return {
    id: spec.id,
    work: spec.work(bench),
    ...sides,
    limits: limitTexts(limits, copyBytes),
    checks: spec.checks(sides, limits),
    ...(leftOut && { note: 'the real server only with --full' }),
    rounds,
  };
}

function limitTexts({ hello, durable, fsync, copy }: Limits, copyBytes: number | undefined): string[] {
  const texts: string[] = [];
  if (hello !== undefined) texts.push(`bare server ${costText(hello)}`);
  if (durable !== undefined) texts.push(`bare server with fsync ${costText(durable)}`);
  if (fsync?.perSecond !== undefined) texts.push(`${number(fsync.perSecond)} fsync/s`);
  if (copy?.perSecond !== undefined) {
    texts.push(`copy ${number(copy.perSecond)}/s (${number(((copyBytes ?? 0) * copy.perSecond) / 1e6)} MB/s)`);
  }
  return texts;
}

function costText({ perSecond = Number.NaN, cpuMs = Number.NaN }: Measure): string {
  return `${number(perSecond)}/s, ${number(cpuMs)} ms CPU`;
}

/** Checks that our CPU for one operation is this many times less; none where the real server was not measured. */
export function cpuTimes(row: Pick<Row, 'mlflow' | 'millrace'>, target: number): Check[] {
  const { cpu } = ratios(row);
  return cpu === undefined ? [] : [atLeast('CPU', cpu, target)];
}

/** The same of throughput. */
export function speedTimes(row: Pick<Row, 'mlflow' | 'millrace'>, target: number): Check[] {
  const { wall } = ratios(row);
  return wall === undefined ? [] : [atLeast('speed', wall, target)];
}

/** Checks that our rate is this share of a limit's. */
export function shareOf(
  what: string,
  measure: Measure | undefined,
  limit: Measure | undefined,
  target: number,
): Check[] {
  if (measure?.perSecond === undefined || limit?.perSecond === undefined) return [];
  const percent = (value: number): string => `${number(value * 100)} %`;
  return [atLeast(what, measure.perSecond / limit.perSecond, target, percent)];
}

/** Throws unless what was found is what the work is about. */
export function expectEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what}: expected ${expected}, found ${found}`);
}
