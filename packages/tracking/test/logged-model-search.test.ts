import { type FilterField, matches, parseFilter, type StoredValue } from '@millrace/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import type { MetricPoint } from '../src/runs/run.ts';
import { OTHER_RUN, RUN, useModels } from './logged-model-world.ts';

for (const dialect of dialects) {
  describe(`logged models on ${dialect.name}`, () => {
    const { models, newExperiment, ask, ok, create, log, search, names } = useModels(dialect);

    describe('search', () => {
      const NAMES = ['A', 'B', 'C', 'D', 'E', 'ü'] as const;
      type Name = (typeof NAMES)[number];
      const SEED: Record<
        Name,
        { params?: [string, string][]; tags?: [string, string][]; type?: string; run?: string }
      > = {
        A: { params: [['lr', '0.1']], tags: [['team', 'x']], run: RUN },
        B: { params: [['lr', '10']], type: 'sk', run: OTHER_RUN },
        C: { params: [['lr', 'auto']], tags: [['team', 'Y']] },
        D: { type: 'sk', tags: [['team', 'x']] },
        E: {},
        ü: { type: 'Agent' },
      };
      const d1 = { dataset_name: 'd1', dataset_digest: '1' };
      const d2 = { dataset_name: 'd2', dataset_digest: '2' };
      const METRICS: Partial<Record<Name, Partial<MetricPoint>[]>> = {
        A: [{ value: 0.5 }, { value: 0.9, timestamp: 2 }, { value: 0.7, timestamp: 2, step: 3, ...d1 }],
        B: [
          { value: 0.6, ...d2 },
          { value: 0.65, timestamp: 3, ...d1, dataset_digest: '9' },
        ],
        C: [
          { value: Number.NaN, timestamp: 9 },
          { key: 'loss', value: -1, ...d1 },
        ],
        D: [
          { value: 0.65, timestamp: 4, step: -5 },
          { value: Number.POSITIVE_INFINITY, ...d2 },
        ],
        E: [{ value: Number.NEGATIVE_INFINITY }],
      };
      const ids = {} as Record<Name, string>;
      let home: string;

      const searchHome = (body: object) => search({ experiment_ids: [home], ...body });

      beforeAll(async () => {
        home = await newExperiment();
        models.experiment = home;
        models.now = 10_000;
        for (const name of NAMES) {
          // Two models share each moment: ties are settled by id.
          models.now = 10_000 + Math.floor(NAMES.indexOf(name) / 2);
          const { params = [], tags = [], type, run } = SEED[name];
          const items = (pairs: [string, string][]) => pairs.map(([key, value]) => ({ key, value }));
          ids[name] = await create({
            name,
            model_type: type,
            source_run_id: run,
            params: items(params),
            tags: items(tags),
          });
          for (const point of METRICS[name] ?? []) await log(ids[name], [point]);
        }
        models.now = 20_000;
        await ok('PATCH', `/${ids.B}`, { model_id: ids.B, status: 2 });
        await ok('PATCH', `/${ids.D}`, { model_id: ids.D, status: 3 });
      });

      const fieldOf = (name: Name, { type, key }: FilterField): StoredValue | readonly StoredValue[] => {
        const seed = SEED[name];
        if (type === 'metric') {
          const points = (METRICS[name] ?? []).filter((point) => (point.key ?? 'm') === key);
          return points.map(({ value }) => value);
        }
        if (type !== 'attribute') {
          return (type === 'param' ? seed.params : seed.tags)?.find(([own]) => own === key)?.[1];
        }
        const status = name === 'B' ? 'READY' : name === 'D' ? 'UPLOAD_FAILED' : 'PENDING';
        const updated = name === 'B' || name === 'D' ? 20_000 : 10_000 + Math.floor(NAMES.indexOf(name) / 2);
        const attributes: Record<string, StoredValue> = {
          name,
          model_id: ids[name],
          model_type: seed.type ?? '',
          source_run_id: seed.run ?? '',
          status,
          creation_timestamp: 10_000 + Math.floor(NAMES.indexOf(name) / 2),
          last_updated_timestamp: updated,
        };
        return attributes[key];
      };

      it.each([
        'metrics.m > 0.8',
        'metrics.m < 0.55 AND metrics.m > 0.85',
        'metrics.m = 0',
        'metrics.m != 0.65',
        'metrics.m >= 0.65',
        'metrics.m IS NULL',
        'metrics.loss IS NOT NULL OR name = "E"',
        'NOT metrics.m > 0',
        "params.lr = '0.1'",
        'params.lr > 0.05',
        'params.lr != 10',
        "params.lr LIKE 'a%'",
        "tags.team = 'x'",
        "tags.team ILIKE 'y'",
        "tags.team != 'x'",
        'tags.team IS NULL',
        "status = 'READY'",
        "status != 'PENDING'",
        "name IN ('A', 'ü', 'nobody')",
        "name NOT IN ('A')",
        "model_type = 'sk' AND creation_timestamp > 10000",
        "model_type = ''",
        `source_run_id = '${RUN}'`,
        "source_run_id = ''",
        'last_updated_timestamp_ms >= 20000',
        'creation_time < 10001.5',
      ])('finds what matches %s', async (filter) => {
        const parsed = parseFilter('logged_model', filter)!;
        const expected = NAMES.filter((name) => matches(parsed, (field) => fieldOf(name, field)));
        expect(names(await searchHome({ filter })).sort()).toEqual([...expected].sort());
      });

      it('knows a status by each of its names', async () => {
        for (const status of ['READY', 'LOGGED_MODEL_READY', '2']) {
          expect(names(await searchHome({ filter: `status IN ('${status}')` }))).toEqual(['B']);
        }
      });

      it('restricts metrics to datasets, or models to those measured on them', async () => {
        const d1Any = [{ dataset_name: 'd1' }];
        const first = { dataset_name: 'd1', dataset_digest: '1' };
        const find = async (body: object) => names(await searchHome(body)).sort();
        expect(await find({ datasets: d1Any })).toEqual(['A', 'B', 'C']);
        expect(await find({ datasets: [first] })).toEqual(['A', 'C']);
        expect(await find({ datasets: [first, d2] })).toEqual(['A', 'B', 'C', 'D']);
        expect(await find({ datasets: [first], filter: 'metrics.m > 0.4' })).toEqual(['A']);
        expect(await find({ datasets: d1Any, filter: 'metrics.m > 0.4' })).toEqual(['A', 'B']);
        expect(await find({ datasets: [first], filter: 'metrics.m > 0.8' })).toEqual([]);
        expect(await find({ datasets: [first], filter: "name != 'C'" })).toEqual(['A']);
        expect((await ask('POST', '/search', { experiment_ids: [home], datasets: [{}] })).status).toBe(400);
      });

      const newest = (a: Name, b: Name) =>
        Math.floor(NAMES.indexOf(b) / 2) - Math.floor(NAMES.indexOf(a) / 2) || (ids[a] < ids[b] ? -1 : 1);
      const byRank = (ranks: Partial<Record<Name, number>>) => (a: Name, b: Name) =>
        (ranks[a] ?? 99) - (ranks[b] ?? 99) || newest(a, b);

      it.each<[string, object[], () => (a: Name, b: Name) => number]>([
        ['nothing', [], () => newest],
        ['name', [{ field_name: 'name' }], () => byRank({ A: 0, B: 1, C: 2, D: 3, E: 4, ü: 5 })],
        [
          'name, falling',
          [{ field_name: 'name', ascending: false }],
          () => byRank({ A: 5, B: 4, C: 3, D: 2, E: 1, ü: 0 }),
        ],
        ['type', [{ field_name: 'model_type' }], () => byRank({ A: 0, C: 0, E: 0, ü: 1, B: 2, D: 2 })],
        [
          'status, then time',
          [{ field_name: 'status', ascending: false }],
          () => byRank({ D: 0, B: 1, A: 2, C: 2, E: 2, ü: 2 }),
        ],
        // Latest by time, then step: A 0.7, B 0.65, C NaN, D 0.65, E -Infinity.
        ['a metric', [{ field_name: 'metrics.m' }], () => byRank({ E: 0, B: 1, D: 1, A: 2, C: 3 })],
        [
          'a metric, falling',
          [{ field_name: 'metrics.m', ascending: false }],
          () => byRank({ A: 0, B: 1, D: 1, E: 2, C: 3 }),
        ],
        ['a metric on a dataset', [{ field_name: 'metrics.m', dataset_name: 'd1' }], () => byRank({ B: 0, A: 1 })],
        [
          'a metric on one version of a dataset',
          [{ field_name: 'metrics.m', dataset_name: 'd1', dataset_digest: '1' }],
          () => byRank({ A: 0 }),
        ],
        ['a metric that nobody logged', [{ field_name: 'metrics.none' }], () => newest],
        [
          'two fields',
          [{ field_name: 'model_type', ascending: false }, { field_name: 'metrics.m' }],
          () => byRank({ B: 0, D: 0, ü: 2, E: 3, A: 4, C: 5 }),
        ],
      ])('orders by %s, page by page, in one experiment and in several', async (_what, order_by, order) => {
        const expected = [...NAMES].sort(order());
        const elsewhere = await newExperiment();
        for (const experiment_ids of [[home], [home, elsewhere], [elsewhere, home, home]]) {
          expect(names(await search({ experiment_ids, order_by }))).toEqual(expected);
          for (const max_results of [1, 2, 4]) {
            const pages: string[] = [];
            let page_token: string | undefined;
            do {
              const page = await search({ experiment_ids, order_by, max_results, page_token });
              expect(page.models!.length).toBeLessThanOrEqual(max_results);
              pages.push(...names(page));
              page_token = page.next_page_token;
            } while (page_token !== undefined);
            expect(pages).toEqual(expected);
          }
        }
      });

      it('binds a page token to its search', async () => {
        const { next_page_token: page_token } = await searchHome({ max_results: 2 });
        const other = [
          { experiment_ids: [models.experiment] },
          { filter: "name = 'A'" },
          { order_by: [{ field_name: 'name' }] },
          { order_by: [{ field_name: 'creation_timestamp', ascending: true }] },
        ];
        for (const change of other) {
          const answer = await ask('POST', '/search', {
            experiment_ids: [home],
            max_results: 2,
            page_token,
            ...change,
          });
          expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
        }
        expect(names(await searchHome({ max_results: 4, page_token }))).toHaveLength(4);
      });

      it.each<[string, object]>([
        ['a page size below 0', { max_results: -1 }],
        ['a page size over the limit', { max_results: 50_001 }],
        ['a token of its own', { page_token: 'garbage' }],
        ['an order by nothing', { order_by: [{}] }],
        ['an order by a param', { order_by: [{ field_name: 'params.lr' }] }],
        ['an unknown attribute', { filter: "nothing = 'x'" }],
        ['an id that is no number', { experiment_ids: ['x'] }],
        ['too many datasets', { datasets: Array(21).fill(d1) }],
      ])('refuses %s', async (_what, body) => {
        const answer = await ask('POST', '/search', { experiment_ids: [home], ...body });
        expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
      });

      it('takes the longest filter, order and list of datasets together, on every page', async () => {
        const body = {
          filter: Array.from({ length: 100 }, (_, i) => `metrics.m != ${i} `).join('OR '),
          datasets: Array.from({ length: 20 }, (_, i) => ({ ...d1, dataset_digest: String(i) })),
          order_by: Array.from({ length: 32 }, (_, i) => ({
            field_name: `metrics.m${i}`,
            dataset_name: 'd',
            dataset_digest: 'd',
          })),
          max_results: 1,
        };
        const first = await searchHome(body);
        const { next_page_token: page_token } = first;
        const second = await searchHome({ ...body, page_token });
        expect([...names(first), ...names(second)].sort()).toEqual(['A', 'B']);
      });

      it('searches many experiments at once', async () => {
        const experiment_ids = [home, ...Array.from({ length: 70_000 }, (_, i) => String(1_000_000 + i))];
        expect(names(await search({ experiment_ids, max_results: 3 }))).toEqual([...NAMES].sort(newest).slice(0, 3));
      });
    });
  });
}
