import { type FilterField, type FilterNode, matches, parseFilter, type StoredValue } from '@millrace/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { logInputs } from '../src/datasets/dataset.commands.ts';
import { createExperiment } from '../src/experiments/experiment.commands.ts';
import { createRun, deleteRun, logBatch, refreshDocs, updateRun } from '../src/runs/run.commands.ts';
import { type RunSearch, searchRuns } from '../src/runs/run-search.commands.ts';
import { openWorld, type World } from './world.ts';

interface Seed {
  readonly id: string;
  readonly experiment: number;
  readonly name: string;
  readonly deleted: boolean;
  readonly start: number;
  readonly end: number | null;
  readonly metrics: Record<string, number>;
  readonly params: Record<string, string>;
  readonly tags: Record<string, string>;
  readonly context: string | null;
}

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);
const RUNS = 120;

/** Few values and many ties, so that every tie-breaker matters. */
const seedArbitrary = (index: number): fc.Arbitrary<Seed> =>
  fc.record({
    id: fc.constant(((index * 7919 + 13) % 1000).toString(16).padStart(32, index % 2 === 0 ? 'a' : '0')),
    experiment: fc.integer({ min: 0, max: 2 }),
    name: fc.constantFrom('ant', 'Bee', 'ćat', '𝔡og', 'ﬀ'),
    deleted: fc.boolean(),
    start: fc.integer({ min: 0, max: 3 }),
    end: fc.option(fc.integer({ min: 5, max: 7 })),
    metrics: optional({
      acc: fc.constantFrom(0, 0.5, 1, -2, Number.NaN, Number.POSITIVE_INFINITY),
      'val/loss': fc.constantFrom(1, 2),
    }),
    params: optional({
      lr: fc.constantFrom('0.1', '10', '9', 'auto', '1e-3', 'x'.repeat(300)),
      opt: fc.constantFrom('adam', 'Sgd'),
    }),
    tags: optional({ team: fc.constantFrom('a', 'b_c', 'A%') }),
    context: fc.option(fc.constantFrom('train', 'eval')),
  });

function optional<T>(fields: Record<string, fc.Arbitrary<T>>): fc.Arbitrary<Record<string, T>> {
  return fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Record<string, T>>;
}

const seeds = fc.sample(fc.tuple(...Array.from({ length: RUNS }, (_, i) => seedArbitrary(i))), {
  numRuns: 1,
  seed,
})[0]!;

async function fill({ db }: World): Promise<void> {
  for (const name of ['one', 'two']) {
    await db.write(createExperiment, { name, artifactLocation: undefined, artifactRoot: 'x:/', tags: [], now: 1 });
  }
  for (const run of seeds) {
    const runUuid = run.id;
    const experimentId = String(run.experiment);
    await db.write(createRun, { runUuid, experimentId, name: run.name, userId: 'u', startTime: run.start, tags: [] });
    const metrics = Object.entries(run.metrics).map(([key, value]) => ({ key, value, timestamp: 1, step: 0 }));
    const keyed = (record: Record<string, string>) => Object.entries(record).map(([key, value]) => ({ key, value }));
    await db.write(logBatch, { runUuid, metrics, params: keyed(run.params), tags: keyed(run.tags) });
    if (run.end !== null) await db.write(updateRun, { runUuid, status: 'FINISHED', endTime: run.end });
    if (run.context !== null) {
      const dataset = { name: `data-${run.context}`, digest: 'd', source_type: 's', source: '{}' };
      const tags = [{ key: 'mlflow.data.context', value: run.context }];
      await db.write(logInputs, { runUuid, datasets: [{ dataset, tags }], models: [] });
    }
    if (run.deleted) await db.write(deleteRun, { runUuid, now: 1 });
  }
}

function stored(run: Seed, { type, key }: FilterField): StoredValue {
  if (type === 'metric') return run.metrics[key];
  if (type === 'param') return run.params[key];
  if (type === 'tag') return run.tags[key];
  if (type === 'dataset') return run.context === null ? null : key === 'context' ? run.context : `data-${run.context}`;
  const attributes: Record<string, StoredValue> = {
    run_id: run.id,
    run_name: run.name,
    start_time: run.start,
    end_time: run.end,
    status: run.end === null ? 'RUNNING' : 'FINISHED',
    user_id: 'u',
  };
  return attributes[key];
}

const clause = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('acc', '`val/loss`', 'nowhere'),
      fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
      fc.constantFrom('0', '0.5', '1', '2'),
    )
    .map(([key, op, value]) => `metrics.${key} ${op} ${value}`),
  fc
    .tuple(
      fc.constantFrom('lr', 'opt'),
      fc.constantFrom('=', '!=', 'LIKE', 'ILIKE', 'NOT LIKE'),
      fc.constantFrom("'adam'", "'a%'", "'SG_'", "'10'"),
    )
    .map(([key, op, value]) => `params.${key} ${op} ${value}`),
  fc
    .tuple(fc.constantFrom('=', '!=', '<', '>='), fc.constantFrom('0.1', '9', '10'))
    .map(([op, value]) => `params.lr ${op} ${value}`),
  fc
    .constantFrom(
      "params.opt IN ('adam', 'x')",
      'tags.team IS NULL',
      'params.lr IS NOT NULL',
      "tags.team = 'b_c'",
      "dataset.context = 'train'",
      "dataset.name LIKE 'data%'",
      "attributes.run_name ILIKE 'b%'",
      "run_name > 'ant'",
      'start_time >= 1.5',
      'end_time > 5',
      "status = 'RUNNING'",
      `params.lr = '${'x'.repeat(300)}'`,
    )
    .filter((text) => accepted(text)),
);

function accepted(text: string): boolean {
  try {
    parseFilter('run', text);
    return true;
  } catch {
    return false;
  }
}

const filterArbitrary: fc.Arbitrary<string> = fc.oneof(
  fc.constant(''),
  clause,
  fc.array(clause, { minLength: 2, maxLength: 3 }).map((parts) => parts.join(' AND ')),
  fc.tuple(clause, clause).map(([a, b]) => `(${a} OR NOT ${b})`),
);

const orderArbitrary = fc.uniqueArray(
  fc
    .tuple(
      fc.constantFrom(
        'metrics.acc',
        'metrics.`val/loss`',
        'metrics.nowhere',
        'params.lr',
        'params.opt',
        'tags.team',
        'start_time',
        'end_time',
        'run_name',
      ),
      fc.constantFrom('ASC', 'DESC'),
    )
    .map(([key, direction]) => ({ key, direction })),
  { maxLength: 2, selector: ({ key }) => key },
);

/** The order in plain JavaScript: real values, then NaN, then missing; ties by start time descending, then id. */
function compareRuns(order: readonly { key: string; direction: string }[]) {
  const value = (run: Seed, key: string): StoredValue => {
    const [type, name] = key.includes('.')
      ? [key.split('.')[0]!, key.slice(key.indexOf('.') + 1).replaceAll('`', '')]
      : ['attributes', key];
    return stored(run, { type: type.replace(/s$/, '') as FilterField['type'], key: name });
  };
  const rank = (v: StoredValue) => (v === undefined || v === null ? 2 : Number.isNaN(v) ? 1 : 0);
  const bytes = (v: StoredValue) => (typeof v === 'string' ? Buffer.from(v) : v);
  const compare = (a: StoredValue, b: StoredValue) => {
    const [x, y] = [bytes(a), bytes(b)];
    if (Buffer.isBuffer(x) && Buffer.isBuffer(y)) return Buffer.compare(x, y);
    return (x as number) < (y as number) ? -1 : (x as number) > (y as number) ? 1 : 0;
  };
  return (a: Seed, b: Seed): number => {
    for (const { key, direction } of order) {
      const [x, y] = [value(a, key), value(b, key)];
      if (rank(x) !== rank(y)) return rank(x) - rank(y);
      const result = rank(x) === 0 ? compare(x, y) : 0;
      if (result !== 0) return direction === 'ASC' ? result : -result;
    }
    return b.start - a.start || compare(a.id, b.id);
  };
}

async function searchAll({ db }: World, search: Omit<RunSearch, 'pageToken'>): Promise<string[]> {
  const ids: string[] = [];
  let pageToken = '';
  do {
    const { text } = await db.search(searchRuns, { ...search, pageToken });
    const page = JSON.parse(text) as { runs?: { info: { run_id: string } }[]; next_page_token?: string };
    for (const { info } of page.runs ?? []) ids.push(info.run_id);
    pageToken = page.next_page_token ?? '';
  } while (pageToken !== '');
  return ids;
}

for (const dialect of dialects) {
  describe(`run search on ${dialect.name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await openWorld(dialect);
      await fill(world);
    });
    afterAll(() => world?.close());

    it(`finds, orders and pages as the model does (seed ${seed})`, async () => {
      await fc.assert(
        fc.asyncProperty(
          filterArbitrary,
          orderArbitrary,
          fc.uniqueArray(fc.constantFrom('0', '1', '2'), { minLength: 1 }),
          fc.constantFrom('ACTIVE_ONLY' as const, 'DELETED_ONLY' as const, 'ALL' as const),
          fc.constantFrom(1, 3, 7, 200),
          async (filter, order, experimentIds, view, maxResults) => {
            const node: FilterNode | null = parseFilter('run', filter);
            const wanted = seeds
              .filter((run) => (experimentIds as readonly string[]).includes(String(run.experiment)))
              .filter((run) => view === 'ALL' || run.deleted === (view === 'DELETED_ONLY'))
              .filter((run) => node === null || matches(node, (field) => stored(run, field)))
              .sort(compareRuns(order))
              .map(({ id }) => id);
            const orderBy = order.map(({ key, direction }) => `${key} ${direction}`);
            expect(await searchAll(world, { filter, orderBy, experimentIds, view, maxResults })).toEqual(wanted);
          },
        ),
        { seed, numRuns: dialect.name === 'sqlite' ? 400 : 150 },
      );
    }, 240_000);

    it('answers the same from ready-made documents as from tables', async () => {
      const search = {
        filter: '',
        orderBy: [],
        experimentIds: ['0', '1', '2'],
        view: 'ALL',
        maxResults: 200,
        pageToken: '',
      } as const;
      const before = await world.db.search(searchRuns, search);
      await world.db.write(
        refreshDocs,
        seeds.map(({ id }) => id),
      );
      const after = await world.db.search(searchRuns, search);
      expect(after.text).toBe(before.text);
      expect(after.stale).toEqual([]);
    });

    it('refuses a token of another search', async () => {
      const search = { filter: '', orderBy: [], experimentIds: ['0', '1', '2'], view: 'ALL', maxResults: 1 } as const;
      const { text } = await world.db.search(searchRuns, { ...search, pageToken: '' });
      const pageToken = (JSON.parse(text) as { next_page_token: string }).next_page_token;
      const other = { ...search, orderBy: ['metrics.acc DESC'], pageToken };
      await expect(world.db.search(searchRuns, other)).rejects.toThrow(/Invalid page token/);
      await expect(world.db.search(searchRuns, { ...search, pageToken: 'bm9wZQ' })).rejects.toThrow(
        /Invalid page token/,
      );
    });
  });
}
