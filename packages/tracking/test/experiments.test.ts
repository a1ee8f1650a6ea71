import { type FilterField, matches, parseFilter, type StoredValue } from '@millrace/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { refreshDocs } from '../src/runs/run.commands.ts';
import { type Api, openApi } from './api.ts';

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);

interface Experiment {
  readonly experiment_id: string;
  readonly name: string;
  readonly artifact_location: string;
  readonly lifecycle_stage: string;
  readonly creation_time: number;
  readonly last_update_time: number;
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
}

interface Found {
  readonly experiments?: readonly Experiment[];
  readonly next_page_token?: string;
}

for (const dialect of dialects) {
  describe(`experiments on ${dialect.name}`, () => {
    let api: Api;
    beforeAll(async () => {
      api = await openApi(dialect);
    });
    afterAll(() => api?.close());

    const post = (rpc: string, body: object) => api.ok(api.post(`experiments/${rpc}`, body));
    const create = async (name: string, fields: object = {}) =>
      (await api.ok(api.post<{ experiment_id: string }>('experiments/create', { name, ...fields }))).experiment_id;
    const get = async (experiment_id: string) =>
      (await api.ok(api.get<{ experiment: Experiment }>('experiments/get', { experiment_id }))).experiment;
    const byName = (experiment_name: string) =>
      api.get<{ experiment: Experiment }>('experiments/get-by-name', { experiment_name });
    const refused = async (rpc: string, body: object, code: string, message: string | RegExp) => {
      const { status, body: answer } = await api.post(`experiments/${rpc}`, body);
      expect([status < 500, answer.error_code, answer.message], rpc).toEqual([
        true,
        code,
        expect.stringMatching(message),
      ]);
    };

    it('the default experiment is there, and is found by id and name', async () => {
      expect(await get('0')).toMatchObject({
        name: 'Default',
        artifact_location: 'mlflow-artifacts:/0',
        lifecycle_stage: 'active',
      });
      expect((await byName('Default')).body.experiment.experiment_id).toBe('0');
    });

    it('a name is taken until its experiment is gone for good', async () => {
      const id = await create('unique');
      await refused(
        'create',
        { name: 'unique' },
        'RESOURCE_ALREADY_EXISTS',
        /^Experiment\(name=unique\) already exists/,
      );
      await post('delete', { experiment_id: id });
      await refused('create', { name: 'unique' }, 'RESOURCE_ALREADY_EXISTS', /deleted state/);
      expect((await byName('unique')).body.experiment).toMatchObject({ experiment_id: id, lifecycle_stage: 'deleted' });
      const other = await create('Unique');
      await refused(
        'update',
        { experiment_id: other, new_name: 'unique' },
        'RESOURCE_ALREADY_EXISTS',
        /already exists/,
      );
      expect((await byName('nobody')).status).toBe(404);
      const names = await Promise.all(
        Array.from({ length: 8 }, () => api.post('experiments/create', { name: 'raced' })),
      );
      expect(names.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(400)]);
    });

    it('is renamed while it is active, and says when it changed', async () => {
      api.now = 5_000;
      const id = await create('before', { tags: [{ key: 't', value: '1' }] });
      api.now = 6_000;
      await post('update', { experiment_id: id, new_name: 'before' });
      await post('update', { experiment_id: id, new_name: 'after' });
      expect(await get(id)).toMatchObject({ name: 'after', creation_time: 5_000, last_update_time: 6_000 });
      for (const new_name of ['', undefined])
        expect((await api.post('experiments/update', { experiment_id: id, new_name })).status).toBe(400);
      await post('delete', { experiment_id: id });
      // The real server answers 500 here, which clients retry for minutes.
      await refused('update', { experiment_id: id, new_name: 'x' }, 'INVALID_PARAMETER_VALUE', /non-active/);
    });

    it('takes its runs along when it is deleted and restored', async () => {
      const id = await create('family');
      const run = async () =>
        (await api.ok(api.post<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: id }))).run.info
          .run_id;
      const runs = [await run(), await run()];
      await api.ok(api.post('runs/delete', { run_id: runs[0]! }));
      await api.db.write(refreshDocs, runs);
      const stages = () =>
        Promise.all(
          runs.map(async (run_id) => {
            const { text } = await api.get('runs/get', { run_id });
            return /"lifecycle_stage":"(\w+)"/.exec(text)![1];
          }),
        );
      await post('delete', { experiment_id: id });
      expect(await stages()).toEqual(['deleted', 'deleted']);
      await refused('delete', { experiment_id: id }, 'RESOURCE_DOES_NOT_EXIST', /^No Experiment with id=/);
      expect((await api.post('runs/create', { experiment_id: id })).body.message).toBe(
        `The experiment ${id} must be in the 'active' state. Current state is deleted.`,
      );
      await api.db.write(refreshDocs, runs);
      await post('restore', { experiment_id: id });
      expect(await stages()).toEqual(['active', 'active']);
      await refused('restore', { experiment_id: id }, 'RESOURCE_DOES_NOT_EXIST', /^No Experiment with id=/);
    });

    it('tags are replaced and deleted; a deleted experiment takes none', async () => {
      const id = await create('tagged', { tags: [{ key: 'a', value: '1' }] });
      await post('set-experiment-tag', { experiment_id: id, key: 'a', value: '2' });
      await post('set-experiment-tag', { experiment_id: id, key: 'b', value: '' });
      expect((await get(id)).tags).toEqual([
        { key: 'a', value: '2' },
        { key: 'b', value: '' },
      ]);
      await post('delete-experiment-tag', { experiment_id: id, key: 'a' });
      await refused(
        'delete-experiment-tag',
        { experiment_id: id, key: 'a' },
        'RESOURCE_DOES_NOT_EXIST',
        /^No tag with name: a/,
      );
      await post('delete', { experiment_id: id });
      await refused(
        'set-experiment-tag',
        { experiment_id: id, key: 'a', value: '1' },
        'INVALID_PARAMETER_VALUE',
        /must be in the 'active' state/,
      );
    });

    it('ids that name nothing are answered with 404, and what is no id with 400', async () => {
      for (const [id, status] of [
        ['987654', 404],
        ['9007199254740993', 404],
        ['99999999999999999999', 400],
        ['abc', 400],
        ['1.5', 400],
      ] as const) {
        expect((await api.get('experiments/get', { experiment_id: id })).status, id).toBe(status);
        const filter = `experiment_id = '${id}'`;
        const search = await api.post('experiments/search', { max_results: 5, filter });
        expect(search.status, search.text).toBe(status === 404 ? 200 : 400);
      }
    });

    it('a location is kept as it was named; runs lie below it', async () => {
      for (const [location, below] of [
        ['mlflow-artifacts:/', 'mlflow-artifacts:/'],
        ['mlflow-artifacts:/a/b/', 'mlflow-artifacts:/a/b/'],
        ['s3://bucket', 's3://bucket/'],
        ['s3://bucket/x?y=/', 's3://bucket/x/'],
      ] as const) {
        const experiment_id = await create(`at ${location}`, { artifact_location: location });
        expect((await get(experiment_id)).artifact_location).toBe(location);
        const { run } = await api.ok(
          api.post<{ run: { info: { run_id: string; artifact_uri: string } } }>('runs/create', { experiment_id }),
        );
        expect(run.info.artifact_uri.startsWith(`${below}${run.info.run_id}/artifacts`), run.info.artifact_uri).toBe(
          true,
        );
      }
      for (const artifact_location of [
        'runs:/x/y',
        's3://b/x#y',
        'mlflow-artifacts:/a/../b',
        '/etc',
        'file:///etc',
        'http://x/y',
      ]) {
        await refused('create', { name: `no ${artifact_location}`, artifact_location }, 'INVALID_PARAMETER_VALUE', /./);
      }
    });

    describe('search', () => {
      let all: Experiment[];
      beforeAll(async () => {
        const [given] = fc.sample(
          fc.array(
            fc.record({
              time: fc.integer({ min: 1, max: 4 }),
              name: fc.constantFrom('ant', 'Bee', 'b_c', 'ćat', '𝔡og'),
              team: fc.option(fc.constantFrom('a', 'A%', 'b')),
              deleted: fc.boolean(),
            }),
            { minLength: 40, maxLength: 40 },
          ),
          { numRuns: 1, seed },
        );
        const ids = ['0'];
        for (const [i, { time, name, team, deleted }] of given!.entries()) {
          api.now = time;
          const id = await create(`${name}${i}`, team === null ? {} : { tags: [{ key: 'team', value: team }] });
          if (deleted) await post('delete', { experiment_id: id });
          ids.push(id);
        }
        const { experiments } = await api.ok(
          api.post<Found>('experiments/search', { max_results: 50_000, view_type: 'ALL' }),
        );
        all = [...experiments!];
        expect(all.map(({ experiment_id }) => experiment_id)).toEqual(expect.arrayContaining(ids));
      });

      const stored = (experiment: Experiment, { type, key }: FilterField): StoredValue =>
        type === 'tag'
          ? experiment.tags?.find((tag) => tag.key === key)?.value
          : (experiment as unknown as Record<string, StoredValue>)[key];
      const clause = fc.constantFrom(
        "name = 'ant0'",
        "name LIKE 'b%'",
        "name ILIKE 'B_c%'",
        "name != 'Default'",
        "tags.team = 'a'",
        "tags.team != 'a'",
        "tags.team ILIKE 'a%'",
        'tags.team IS NULL',
        'creation_time > 2',
        'last_update_time <= 3',
        "experiment_id = '0'",
        "experiment_id IN ('1', '2', '77777777777')",
        "experiment_id NOT IN ('3')",
      );
      const filters = fc.oneof(
        fc.constant(''),
        clause,
        fc.tuple(clause, clause).map(([a, b]) => `${a} AND ${b}`),
        fc.tuple(clause, clause).map(([a, b]) => `NOT (${a} OR ${b})`),
      );
      const keys = ['name', 'creation_time', 'last_update_time', 'experiment_id'] as const;
      const orders = fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), fc.constantFrom('ASC', 'DESC')), {
        maxLength: 2,
        selector: ([key]) => key,
      });

      const compare = (a: Experiment, b: Experiment, key: (typeof keys)[number]) => {
        if (key === 'name') return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
        return Number(a[key]) - Number(b[key]);
      };

      it(`finds, orders and pages as the model does (seed ${seed})`, async () => {
        await fc.assert(
          fc.asyncProperty(
            filters,
            orders,
            fc.constantFrom('ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'),
            fc.constantFrom(1, 7, 100),
            async (filter, order, view_type, max_results) => {
              const node = parseFilter('experiment', filter);
              const full =
                order.length === 0
                  ? ([
                      ['creation_time', 'DESC'],
                      ['experiment_id', 'ASC'],
                    ] as const)
                  : [...order, ['experiment_id', 'DESC'] as const];
              const wanted = all
                .filter(
                  ({ lifecycle_stage }) =>
                    view_type === 'ALL' || (lifecycle_stage === 'deleted') === (view_type === 'DELETED_ONLY'),
                )
                .filter((experiment) => node === null || matches(node, (field) => stored(experiment, field)))
                .sort((a, b) => {
                  for (const [key, direction] of full) {
                    const found = compare(a, b, key);
                    if (found !== 0) return direction === 'ASC' ? found : -found;
                  }
                  return 0;
                });
              const found: Experiment[] = [];
              let page_token: string | undefined;
              const order_by = order.map(([key, direction]) => `${key} ${direction}`);
              do {
                const request = { filter, order_by, view_type, max_results, ...(page_token && { page_token }) };
                const page = await api.ok(api.post<Found>('experiments/search', request));
                expect(page.experiments?.length ?? 0).toBeLessThanOrEqual(max_results);
                found.push(...(page.experiments ?? []));
                page_token = page.next_page_token;
              } while (page_token !== undefined);
              expect(found).toEqual(wanted);
            },
          ),
          { seed, numRuns: dialect.name === 'sqlite' ? 120 : 60 },
        );
      });

      it('refuses sizes, orders and tokens that mean nothing', async () => {
        const { next_page_token } = await api.ok(api.post<Found>('experiments/search', { max_results: 1 }));
        const [print] = JSON.parse(Buffer.from(next_page_token!, 'base64url').toString()) as [string];
        const forged = (position: unknown[]) => Buffer.from(JSON.stringify([print, ...position])).toString('base64url');
        for (const body of [
          {},
          { max_results: 0 },
          { max_results: 50_001 },
          { max_results: 5, order_by: ['nothing'] },
          { max_results: 5, page_token: 'x' },
          { max_results: 5, page_token: next_page_token, filter: "name = 'ant0'" },
          ...[[], [1], ['x', 'y'], [1.5, 2]].map((position) => ({ max_results: 1, page_token: forged(position) })),
        ]) {
          const { status, body: answer } = await api.post('experiments/search', body);
          expect([status, answer.error_code], JSON.stringify(body)).toEqual([400, 'INVALID_PARAMETER_VALUE']);
        }
      });
    });
  });
}
