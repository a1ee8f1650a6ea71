import { type FilterNode, matches, parseFilter, type StoredValue } from '@millrace/core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { type Dataset, seed, useDatasets } from './evaluation-dataset-world.ts';

for (const dialect of dialects) {
  describe(`evaluation datasets on ${dialect.name}`, () => {
    const { at, ask, ok, create, get, upsert } = useDatasets(dialect);

    describe('search', () => {
      const NAMES = ['ant', 'Bee', 'ćat', '𝔡og', 'ﬀ'];
      const datasetSeed = fc.record({
        name: fc.constantFrom(...NAMES),
        created: fc.integer({ min: 100, max: 103 }),
        updated: fc.option(fc.integer({ min: 110, max: 112 })),
        tags: fc.record(
          { 'mlflow.user': fc.constantFrom('al', 'Bo'), team: fc.constantFrom('a', 'b_c', 'A%') },
          { requiredKeys: [] },
        ),
        user: fc.option(fc.constantFrom('al', 'cy')),
        experiments: fc.subarray(['0', '1', '2']),
      });
      const [seeds] = fc.sample(fc.array(datasetSeed, { minLength: 60, maxLength: 60 }), { seed, numRuns: 1 });
      const stored: Dataset[] = [];

      beforeAll(async () => {
        for (const { id } of await allDatasets()) await ok('DELETE', `/${id}`);
        for (const { name, created, updated, tags, user, experiments } of seeds!) {
          at.now = created;
          const { dataset_id: id } = await create({ name, tags: JSON.stringify(tags), experiment_ids: experiments });
          if (updated !== null) {
            at.now = updated;
            await upsert(id, user === null ? [] : [{ tags: { 'mlflow.user': user } }]);
          }
          stored.push(await get(id));
        }
      });

      const search = (body: object) => ok<{ datasets?: Dataset[]; next_page_token?: string }>('POST', '/search', body);
      const allDatasets = async () => ((await search({})).datasets ?? []).map(({ dataset_id: id }) => ({ id }));
      const searchAll = async (body: object, max_results: number) => {
        const found: Dataset[] = [];
        let page_token: string | undefined;
        do {
          const { datasets = [], next_page_token } = await search({ ...body, max_results, page_token });
          expect(datasets.length).toBeLessThanOrEqual(max_results);
          found.push(...datasets);
          page_token = next_page_token;
        } while (page_token !== undefined);
        return found;
      };

      it(`agrees with the model of filters and orders (seed ${seed})`, async () => {
        await fc.assert(
          fc.asyncProperty(
            filterArbitrary,
            fc.uniqueArray(fc.tuple(fc.constantFrom('name', 'created_time', 'last_update_time'), fc.boolean()), {
              selector: ([key]) => key,
            }),
            fc.option(fc.subarray(['0', '1', '2', '77', 'abc'], { minLength: 1 })),
            fc.constantFrom(1, 3, 7, 100),
            async (filter, order, experimentIds, maxResults) => {
              const node = parseFilter('evaluation_dataset', filter);
              const expected = stored
                .filter(
                  (_, i) => experimentIds === null || seeds![i]!.experiments.some((id) => experimentIds.includes(id)),
                )
                .filter((dataset) => isMatch(node, dataset))
                .sort(comparing(order));
              const body = {
                filter_string: filter,
                order_by: order.map(([key, ascending]) => `${key} ${ascending ? 'ASC' : 'DESC'}`),
                experiment_ids: experimentIds ?? [],
              };
              expect(await searchAll(body, maxResults)).toEqual(expected);
            },
          ),
          { seed, numRuns: dialect.name === 'sqlite' ? 300 : 120 },
        );
      }, 240_000);

      it('answers GET as it answers POST', async () => {
        const found = await ok<object>(
          'GET',
          '/search?max_results=5&order_by=name&filter_string=created_time>100&experiment_ids=1',
        );
        expect(found).toEqual(
          await search({
            max_results: 5,
            order_by: ['name'],
            filter_string: 'created_time>100',
            experiment_ids: ['1'],
          }),
        );
      });

      it('sends any number of large datasets', async () => {
        const inputs = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`${i}`.padEnd(400, '.'), i]));
        for (let i = 0; i < 7; i++) await upsert((await create({ name: 'large' })).dataset_id, [{ inputs }]);
        const { datasets = [] } = await search({ filter_string: "name IN ('large', 'ant')" });
        expect(datasets.filter(({ name }) => name === 'large').map(({ schema }) => schema!.length > 800_000)).toEqual(
          Array(7).fill(true),
        );
        expect(datasets.filter(({ name }) => name === 'ant')).toHaveLength(
          stored.filter(({ name }) => name === 'ant').length,
        );
        for (const { dataset_id, name } of datasets) if (name === 'large') await ok('DELETE', `/${dataset_id}`);
      });

      it.each<[string, object]>([
        ['a page size of 0', { max_results: 0 }],
        ['a page size below 0', { max_results: -1 }],
        ['a page size over the limit', { max_results: 50_001 }],
        ['a token of its own', { page_token: 'garbage' }],
        ['an unknown attribute', { filter_string: "dataset_id = 'x'" }],
        ['a metric', { filter_string: 'metrics.m > 1' }],
        ['text for a time', { filter_string: "created_time > '5'" }],
        ['an order by a tag', { order_by: ['tags.team'] }],
        ['an order by who made it', { order_by: ['created_by'] }],
      ])('refuses %s', async (_what, body) => {
        const answer = await ask('POST', '/search', body);
        expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
      });

      it('binds a page token to its search', async () => {
        const { next_page_token: page_token } = await search({ max_results: 2 });
        for (const change of [{ filter_string: "name = 'ant'" }, { order_by: ['name'] }, { experiment_ids: ['0'] }]) {
          expect((await ask('POST', '/search', { max_results: 2, page_token, ...change })).status).toBe(400);
        }
        expect((await search({ max_results: 4, page_token })).datasets).toHaveLength(4);
      });

      it('searches many experiments at once', async () => {
        const experiment_ids = ['1', ...Array.from({ length: 70_000 }, (_, i) => String(1_000_000 + i))];
        expect(await search({ experiment_ids, max_results: 3 })).toEqual({
          ...(await search({ experiment_ids: ['1'], max_results: 3 })),
          next_page_token: expect.any(String) as unknown,
        });
      });
    });
  });
}

const clause = fc.constantFrom(
  "name = 'ant'",
  "name != 'ant'",
  "name LIKE '%a%'",
  "name ILIKE 'b%'",
  "name NOT LIKE '_n_'",
  "name IN ('ćat', 'ﬀ', 'nobody')",
  "name NOT IN ('𝔡og')",
  "created_by = 'al'",
  "created_by != 'al'",
  "created_by LIKE 'B_'",
  'created_by IS NULL',
  "last_updated_by = 'cy'",
  "last_updated_by NOT IN ('cy')",
  'last_updated_by IS NOT NULL',
  'created_time > 101',
  'created_time <= 101',
  'last_update_time = 111',
  'last_update_time != 111',
  "tags.team = 'b_c'",
  "tags.team != 'b_c'",
  "tags.team ILIKE 'a%'",
  "tags.team IN ('a', 'A%')",
  'tags.team IS NULL',
  'tags.`mlflow.user` IS NOT NULL',
);
const filterArbitrary: fc.Arbitrary<string> = fc.oneof(
  fc.constant(''),
  clause,
  fc.tuple(clause, clause).map((both) => both.join(' AND ')),
  fc.tuple(clause, clause, clause).map(([a, b, c]) => `NOT (${a} OR ${b}) OR (${c} AND NOT ${b})`),
);

function isMatch(node: FilterNode | null, dataset: Dataset): boolean {
  const tags = JSON.parse(dataset.tags) as Record<string, string>;
  const attributes = dataset as unknown as Record<string, StoredValue>;
  return node === null || matches(node, ({ type, key }) => (type === 'tag' ? tags[key] : attributes[key]));
}

type SortKey = 'name' | 'created_time' | 'last_update_time' | 'dataset_id';

function comparing(order: readonly (readonly [key: string, ascending: boolean])[]) {
  const keys = [...(order.length > 0 ? order : [['created_time', false] as const]), ['dataset_id', false] as const];
  return (a: Dataset, b: Dataset): number => {
    for (const [key, ascending] of keys) {
      const [x, y] = [a[key as SortKey], b[key as SortKey]];
      const difference =
        typeof x === 'number' ? x - (y as number) : Buffer.compare(Buffer.from(x), Buffer.from(y as string));
      if (difference !== 0) return ascending ? difference : -difference;
    }
    return 0;
  };
}
