import type { Bench, Filled } from '../bench.ts';
import { mediansOf } from '../bench.ts';
import type { Plan } from '../operations.ts';
import { atMost, type Measure, number, type Row } from '../report.ts';
import { comparison, cpuTimes, expectEqual, type Scenario } from '../scenario.ts';
import { fewRunsFilter, TENTH_FILTER } from '../seeds/recipe.ts';
import type { World } from '../world.ts';

const PATH = '/api/2.0/mlflow/runs/search';
const PAGE = 100;
/** While paging towards a deep page of many runs. */
const STRIDE = 1000;

interface Query {
  id: string;
  work: string;
  filter?(runs: number): string;
  orderBy?: string[];
  deep?: true;
  /** Runs on the page. */
  found: number;
}

const FIRST: Query = { id: 'first', work: 'first page', found: PAGE };
const FILTERED: Query = {
  id: 'filtered',
  work: 'filtered by a metric (10 runs match)',
  filter: fewRunsFilter,
  found: 10,
};
const TENTH: Query = {
  id: 'filtered-tenth',
  work: 'filtered by a metric (every tenth run matches)',
  filter: () => TENTH_FILTER,
  found: PAGE,
};
const DEEP: Query = { id: 'deep', work: 'deep page', deep: true, found: PAGE };
const SORTED: Query = { id: 'sorted', work: 'sorted by a metric', orderBy: ['metrics.score DESC'], found: PAGE };
const SORTED_DEEP: Query = { ...SORTED, id: 'sorted-deep', work: 'sorted by a metric, deep page', deep: true };

interface Answer {
  runs?: unknown[];
  next_page_token?: string;
}

/** The search for a page, after paging there: a deep page begins after nine tenths of all runs. */
async function searchPlan(query: Query, runs: number, side: Filled): Promise<Plan> {
  const search = {
    experiment_ids: [side.content.experimentId],
    ...(query.filter && { filter: query.filter(runs) }),
    ...(query.orderBy && { order_by: query.orderBy }),
  };
  let token: string | undefined;
  const stride = runs > 10_000 ? STRIDE : PAGE;
  for (let skipped = 0; query.deep && skipped < runs * 0.9; skipped += stride) {
    const page = { ...search, max_results: stride, ...(token && { page_token: token }) };
    token = (await side.server.request<Answer>('POST', PATH, page)).next_page_token;
  }
  const body = { ...search, max_results: PAGE, ...(token && { page_token: token }) };
  const answer = await side.server.request<Answer>('POST', PATH, body);
  expectEqual(`runs ${query.work}`, answer.runs?.length ?? 0, query.found);
  return { kind: 'post', path: PATH, body: JSON.stringify(body) };
}

function search(query: Query, runs: (bench: Bench) => number, target: number, prefix = 'search'): Scenario {
  const world = (bench: Bench): World => ({ kind: 'runs', runs: runs(bench) });
  return comparison({
    id: `${prefix}-${query.id}`,
    work: (bench) => `search ${runs(bench).toLocaleString('en-US')} runs, page of ${PAGE}: ${query.work}`,
    world,
    job: async (side, bench) => ({ clients: 1, plan: await searchPlan(query, runs(bench), side) }),
    limits: { hello: true },
    checks: (row) => cpuTimes(row, target),
  });
}

/** Databases of several sizes side by side: what a page costs must not depend on how many runs there are. */
const flat: Scenario = {
  id: 'search-flat',
  async run(bench) {
    const sizes = bench.options.sizes.flatRuns;
    await bench.closePair();
    const sides: { runs: number; side: Filled }[] = [];
    try {
      for (const runs of sizes) sides.push({ runs, side: await bench.filled({ kind: 'runs', runs }, 'millrace') });
      const rows: Row[] = [];
      for (const query of [FIRST, FILTERED, TENTH, DEEP, SORTED, SORTED_DEEP])
        rows.push(await flatRow(bench, query, sides));
      return rows;
    } finally {
      for (const { side } of sides) await side.server.stop();
    }
  },
};

async function flatRow(bench: Bench, query: Query, sides: { runs: number; side: Filled }[]): Promise<Row> {
  const lanes: Record<string, () => Promise<Measure>> = {};
  const until = { seconds: bench.options.sizes.windowSeconds };
  for (const { runs, side } of sides) {
    const plan = await searchPlan(query, runs, side);
    lanes[`${runs} runs`] = () => side.server.measure({ clients: 1, plan, until });
  }
  const rounds = await bench.rounds(lanes);
  const costs = Object.values(mediansOf(rounds)).map((measure) => measure?.cpuMs ?? Number.NaN);
  const growth = costs.at(-1)! / costs[0]!;
  const last = mediansOf(rounds)[Object.keys(lanes).at(-1)!];
  return {
    id: `search-flat-${query.id}`,
    work: `the same, ${sides.map(({ runs }) => runs.toLocaleString('en-US')).join(' → ')} runs: ${query.work}`,
    ...(last && { millrace: last }),
    limits: [],
    checks: [atMost('growth', growth, 1.5, (value) => `${number(value)}×`)],
    note: `CPU ${costs.map(number).join(' → ')} ms`,
    rounds,
  };
}

export const searches: Scenario[] = [
  ...[FIRST, FILTERED, TENTH, DEEP].map((query) => search(query, (bench) => bench.options.sizes.searchRuns, 100)),
  search(SORTED, (bench) => bench.options.sizes.sortedRuns, 2000),
];
export const flatSearches: Scenario[] = [flat];
