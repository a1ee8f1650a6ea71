import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import {
  type Counts,
  type Dataset,
  type DatasetRecord,
  type Fields,
  type Json,
  seed,
  useDatasets,
} from './evaluation-dataset-world.ts';

for (const dialect of dialects) {
  describe(`evaluation datasets on ${dialect.name}`, () => {
    const { at, ask, ok, create, get, upsert, page, records, digest } = useDatasets(dialect);

    it('creates, shows and deletes a dataset', async () => {
      at.now = 5_000;
      const tags = JSON.stringify({ 'mlflow.user': 'bob', n: 5, f: 1.5, t: true, none: null, o: { a: [1] } });
      const made = await create({ name: 'näme', tags, experiment_ids: ['1', '0', '1'] });
      expect(made).toMatchObject({
        name: 'näme',
        digest: digest('näme', 5_000),
        created_time: 5_000,
        last_update_time: 5_000,
        created_by: 'bob',
        last_updated_by: 'bob',
        experiment_ids: ['1', '0'],
      });
      expect(made.dataset_id).toMatch(/^d-[\da-f]{32}$/);
      expect(JSON.parse(made.tags)).toEqual({ 'mlflow.user': 'bob', n: '5', f: '1.5', t: 'True', o: '{"a": [1]}' });
      for (const absent of ['schema', 'profile']) expect(made).not.toHaveProperty(absent);
      const { experiment_ids: _, ...rest } = made;
      expect(await get(made.dataset_id)).toEqual(rest);
      expect(await ok('GET', `/${made.dataset_id}/experiment-ids`)).toEqual({ experiment_ids: ['0', '1'] });
      await upsert(made.dataset_id, [{ inputs: { q: 1 } }]);
      for (let times = 0; times < 2; times++) expect(await ok('DELETE', `/${made.dataset_id}`)).toEqual({});
      expect((await ask('GET', `/${made.dataset_id}`)).status).toBe(404);
      expect(await ok('GET', `/${made.dataset_id}/experiment-ids`)).toEqual({});
      expect(await records(made.dataset_id)).toEqual([]);
    });

    it('says of every call what it makes of a dataset that is not there', async () => {
      const calls: [...Parameters<typeof ask>, number, object][] = [
        ['GET', '/d-0', undefined, 404, { message: "Evaluation dataset with id 'd-0' not found" }],
        ['PATCH', '/d-0/tags', { tags: '{}' }, 404, { message: 'Could not find evaluation dataset with ID d-0' }],
        ['POST', '/d-0/records', { records: '[]' }, 404, { message: "Dataset 'd-0' not found" }],
        ['POST', '/d-0/add-experiments', { experiment_ids: ['0'] }, 404, { message: "Dataset 'd-0' not found" }],
        ['POST', '/d-0/remove-experiments', {}, 404, { message: "Dataset 'd-0' not found" }],
        ['DELETE', '/d-0', undefined, 200, {}],
        ['DELETE', '/d-0/tags/k', undefined, 200, {}],
        ['DELETE', '/d-0/records', { dataset_record_ids: ['x'] }, 200, { deleted_count: 0 }],
        ['GET', '/d-0/records', undefined, 200, { records: '[]' }],
        ['GET', '/d-0/experiment-ids', undefined, 200, {}],
      ];
      for (const [method, path, body, status, expected] of calls) {
        const code = status === 404 ? { error_code: 'RESOURCE_DOES_NOT_EXIST' } : {};
        expect(await ask(method, path, body)).toEqual({ status, body: { ...code, ...expected } });
      }
    });

    it.each<[string, object, number, string]>([
      ['no name', { name: '' }, 400, "Missing value for required parameter 'name'"],
      ['a name that is too long', { name: 'ä'.repeat(256) }, 400, "'name' exceeds the maximum length of 255"],
      ['a name with a NUL', { name: 'a\0' }, 400, "'name'"],
      ['tags that are no JSON', { tags: '{bad' }, 400, "'tags': it must be valid JSON"],
      ['tags that are no object', { tags: '[1]' }, 400, "'tags': it must be a JSON object"],
      ['a long tag', { tags: JSON.stringify({ k: 'v'.repeat(5_001) }) }, 400, 'maximum length of 5000'],
      ['a long key', { tags: JSON.stringify({ ['k'.repeat(256)]: 'v' }) }, 400, 'maximum length of 255'],
      ['a long user', { tags: JSON.stringify({ 'mlflow.user': 'u'.repeat(256) }) }, 400, 'maximum length of 255'],
      ['half a character', { tags: '{"k": "\\ud800"}' }, 400, "tags['k']"],
      [
        'too many tags',
        { tags: JSON.stringify(Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [i, 'v']))) },
        400,
        'at most 1000 tags',
      ],
      ['an unknown experiment', { experiment_ids: ['0', '987654321'] }, 404, 'No Experiment with id=987654321'],
      ['an id that is no number', { experiment_ids: ['abc'] }, 404, 'No Experiment with id=abc'],
    ])('refuses %s and makes nothing', async (_what, fields, status, message) => {
      const name = `refused ${Math.random()}`;
      const answer = await ask('POST', '/create', { name, ...fields });
      expect(answer.status).toBe(status);
      expect((answer.body as { message: string }).message).toContain(message);
      expect(await ok('POST', '/search', { filter_string: `name = '${name}'` })).toEqual({});
    });

    it('answers text that a database cannot hold as it answers what is unknown', async () => {
      const { dataset_id: id } = await create();
      const odd = ['a\0', '\ud800'];
      for (const text of odd) {
        const path = encodeURIComponent(text.toWellFormed());
        const calls: Parameters<typeof ask>[] = [
          ['GET', `/${path}`],
          ['DELETE', `/${path}`],
          ['GET', `/${path}/records`],
          ['GET', `/${path}/experiment-ids`],
          ['PATCH', `/${path}/tags`, { tags: '{}' }],
          ['PATCH', `/${id}/tags`, { tags: JSON.stringify({ [text]: text }) }],
          ['DELETE', `/${id}/tags/${path}`],
          ['POST', `/${path}/records`, { records: '[]' }],
          ['POST', `/${id}/records`, { records: JSON.stringify([{ tags: { 'mlflow.user': text } }]) }],
          ['DELETE', `/${id}/records`, { dataset_record_ids: [text] }],
          ['POST', `/${id}/add-experiments`, { experiment_ids: [text] }],
          ['POST', `/${id}/remove-experiments`, { experiment_ids: [text] }],
          ['POST', '/search', { experiment_ids: [text] }],
          ['POST', '/search', { filter_string: `tags.a = '${text}'` }],
        ];
        for (const call of calls) {
          const { status, body } = await ask(...call);
          expect(status, JSON.stringify([call, body])).toBeLessThan(500);
        }
      }
    });

    it('sets, replaces and removes tags', async () => {
      const { dataset_id: id } = await create({ tags: '{"a": "1", "b": "2"}' });
      expect(await ok('PATCH', `/${id}/tags`, { tags: '{"a": "é", "b": null, "__proto__": "p", "": "e"}' })).toEqual(
        {},
      );
      const { tags } = await get(id);
      expect(Object.entries(JSON.parse(tags) as object)).toEqual([
        ['', 'e'],
        ['__proto__', 'p'],
        ['a', 'é'],
        ['b', '2'],
      ]);
      for (let times = 0; times < 2; times++) expect(await ok('DELETE', `/${id}/tags/a`)).toEqual({});
      expect((await get(id)).tags).not.toContain('é');
      for (const bad of ['{bad', '[]', 'null', '5', '']) {
        expect((await ask('PATCH', `/${id}/tags`, { tags: bad })).status).toBe(400);
      }
    });

    it('joins and leaves experiments', async () => {
      at.now = 1_000;
      const { dataset_id: id } = await create();
      const move = async (way: 'add' | 'remove', experiment_ids: string[]) => {
        at.now += 1_000;
        const { dataset } = await ok<{ dataset: Dataset }>('POST', `/${id}/${way}-experiments`, { experiment_ids });
        expect(dataset).toEqual(await get(id));
        const ids = await ok<{ experiment_ids?: string[] }>('GET', `/${id}/experiment-ids`);
        return [dataset.last_update_time, ids.experiment_ids ?? []];
      };
      expect(await move('add', ['2', '2'])).toEqual([2_000, ['2']]);
      expect(await move('add', ['1', '2'])).toEqual([3_000, ['2', '1']]);
      expect(await move('add', [])).toEqual([4_000, ['2', '1']]);
      const unknown = await ask('POST', `/${id}/add-experiments`, { experiment_ids: ['0', '00'] });
      expect(unknown).toMatchObject({ status: 404, body: { message: 'No Experiment with id=00' } });
      expect(await move('remove', ['2', '99', 'abc'])).toEqual([5_000, ['1']]);
      expect(await move('remove', ['2'])).toEqual([5_000, ['1']]);
      const many = Array.from({ length: 70_000 }, (_, i) => String(1_000_000 + i));
      expect(await move('remove', [...many, '1'])).toEqual([7_000, []]);
    });

    describe('records', () => {
      it('keeps every value as it was sent, numbers too', async () => {
        const { dataset_id: id } = await create();
        const inputs =
          '{"q": "é😀", "z\\u0000": "\\ud800", "one": 1.0, "big": 123456789012345678901, "nan": NaN, "10": 1, "9": [1e400]}';
        await upsert(id, `[{"inputs": ${inputs}, "outputs": -0.0, "expectations": {"a": [NaN]}}]`);
        const { text } = await page(id);
        expect(text).toContain(
          `"inputs":${inputs.replace('1e400', 'Infinity')},"outputs":-0.0,"expectations":{"a": [NaN]},"tags":{}`,
        );
        expect((await get(id)).schema).toBe(
          '{"inputs": {"q": "string", "z\\u0000": "string", "one": "float", "big": "integer", "nan": "float", "10": "integer", "9": "array"}, "outputs": "float", "expectations": {"a": "array"}, "version": "1.0"}',
        );
        const again = inputs.replace('1.0', '10e-1').replace(', "9": [1e400]', '').replace('{', '{"9": [Infinity], ');
        expect(await upsert(id, `[{"inputs": ${again}}]`)).toEqual({ inserted_count: 0, updated_count: 1 });
        expect(await upsert(id, `[{"inputs": ${inputs.replace('1.0', '1')}}]`)).toMatchObject({ inserted_count: 1 });
      });

      it('takes the source of a new record only', async () => {
        const { dataset_id: id } = await create();
        const sourced = (q: number, source: Json) => ({ inputs: { q }, source });
        await upsert(id, [
          sourced(0, { source_type: 'trace', source_data: { trace_id: 'tr-1', source_id: 'no' } }),
          sourced(1, { source_type: 'HUMAN', source_data: { source_id: 7 } }),
          sourced(2, { source_type: 'Unspecified', source_data: null }),
          sourced(3, {}),
          sourced(0, { source_type: 'CODE' }),
        ]);
        const sources = (await records(id)).map(({ source, source_id, source_type }) => [
          source,
          source_id,
          source_type,
        ]);
        expect(sources).toEqual([
          [{ source_type: 'TRACE', source_data: { trace_id: 'tr-1', source_id: 'no' } }, 'tr-1', 'TRACE'],
          [{ source_type: 'HUMAN', source_data: { source_id: 7 } }, '7', 'HUMAN'],
          [{ source_type: 'UNSPECIFIED', source_data: {} }, undefined, 'UNSPECIFIED'],
          [undefined, undefined, undefined],
        ]);
      });

      it.each([
        ['{bad', "'records': it must be a JSON array"],
        ['[{"inputs": {}}', "'records': it must be valid JSON, unexpected the end at character 16"],
        ['{}', "'records': it must be a JSON array"],
        ['[{}, 1]', "'records[1]': it must be a JSON object"],
        ['[{"inputs": null}]', "'records[0].inputs': it must be a JSON object"],
        ['[{"inputs": [1]}]', "'records[0].inputs': it must be a JSON object"],
        ['[{"expectations": NaN}]', "'records[0].expectations': it must be a JSON object"],
        ['[{"tags": "x"}]', "'records[0].tags': it must be a JSON object"],
        [
          `[{"tags": {"mlflow.user": "${'u'.repeat(256)}"}}]`,
          "records[0].tags['mlflow.user']' exceeds the maximum length of 255",
        ],
        ['[{"source": "x"}]', "'records[0].source': it must be a JSON object"],
        ['[{"source": {"source_type": "bogus"}}]', 'Invalid dataset record source type: BOGUS. Valid source types: ['],
        ['[{"source": {"source_data": {}}}]', "'records[0].source.source_type': it must be a string"],
        ['[{"source": {"source_type": "CODE", "x": 1}}]', "'x' is none of source_type, source_data"],
        ['[{"source": {"source_type": "CODE", "source_data": 5}}]', 'records[0].source.source_data'],
        [`[{"inputs": {"a": ${'['.repeat(200)}`, 'nested deeper than 100 levels'],
        [`[${'{},'.repeat(100_000)}{}]`, "'records' has more than 100000 records"],
      ])('refuses %.60s and keeps nothing of it', async (sent, message) => {
        const { dataset_id: id, digest: before } = await create();
        const answer = await ask('POST', `/${id}/records`, { records: sent });
        expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
        expect((answer.body as { message: string }).message).toContain(message);
        expect(await get(id)).toMatchObject({ digest: before });
        expect(await records(id)).toEqual([]);
      });

      it('bounds the schema that records make', async () => {
        const { dataset_id: id } = await create();
        const inputs = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`${i}`.padEnd(400, '.'), i]));
        const answer = await ask('POST', `/${id}/records`, { records: JSON.stringify([{ inputs }]) });
        expect(answer.status).toBe(400);
        expect((answer.body as { message: string }).message).toContain('it may have at most 1048575');
      });

      it('deletes records, and counts the rest', async () => {
        at.now = 1_000;
        const { dataset_id: id } = await create();
        await upsert(
          id,
          [0, 1, 2].map((q) => ({ inputs: { q } })),
        );
        const ids = (await records(id)).map((record) => record.dataset_record_id);
        const other = await create();
        at.now = 2_000;
        const remove = (dataset_record_ids: string[], from = id) =>
          ok('DELETE', `/${from}/records`, { dataset_record_ids });
        expect(await remove(ids, other.dataset_id)).toEqual({ deleted_count: 0 });
        expect(await remove([ids[1]!, ids[1]!, 'x'])).toEqual({ deleted_count: 1 });
        expect(await get(id)).toMatchObject({ profile: '{"num_records": 2}', last_update_time: 1_000 });
        expect(await remove(ids)).toEqual({ deleted_count: 2 });
        expect(await remove([])).toEqual({ deleted_count: 0 });
        expect(await get(id)).toMatchObject({ profile: 'null', digest: digest('d', 1_000) });
        await upsert(id, [{ inputs: { q: 1 } }]);
        expect(await get(id)).toMatchObject({ profile: '{"num_records": 1}', digest: digest('d', 2_000) });
      });

      it('takes and gives ten thousand records in one request, in their order', async () => {
        const { dataset_id: id } = await create();
        const many = Array.from({ length: 10_000 }, (_, q) => ({ inputs: { q }, outputs: 'x'.repeat(1_000) }));
        expect(await upsert(id, many)).toEqual({ inserted_count: 10_000, updated_count: 0 });
        expect((await records(id)).map(({ inputs }) => inputs.q)).toEqual(many.map(({ inputs }) => inputs.q));
        const merged = many.map((record) => ({ ...record, expectations: { e: 1 } }));
        expect(await upsert(id, merged)).toEqual({ inserted_count: 0, updated_count: 10_000 });
        expect((await get(id)).profile).toBe('{"num_records": 10000}');
        const pages: number[] = [];
        let query = '';
        do {
          const { text, token } = await page(id, query);
          pages.push((JSON.parse(text) as DatasetRecord[]).length);
          query = token === undefined ? '' : `?page_token=${token}`;
        } while (query !== '');
        expect(pages).toEqual(Array.from({ length: 10 }, () => 1_000));
      }, 120_000);

      it('pages records of any size, also past one that is deleted', async () => {
        const { dataset_id: id } = await create();
        const large = (q: number, size: number) => ({ inputs: { q }, outputs: 'é'.repeat(size) });
        await upsert(id, [large(0, 1), large(1, 3_000_000), large(2, 1)]);
        await upsert(id, [large(3, 3_000_000), large(4, 5)]);
        expect((await records(id)).map(({ inputs, outputs }) => [inputs.q, (outputs as string).length])).toEqual([
          [0, 1],
          [1, 3_000_000],
          [2, 1],
          [3, 3_000_000],
          [4, 5],
        ]);
        const first = await page(id, '?max_results=2');
        const [, second] = JSON.parse(first.text) as DatasetRecord[];
        await ok('DELETE', `/${id}/records`, { dataset_record_ids: [second!.dataset_record_id] });
        const rest = await page(id, `?max_results=3&page_token=${first.token}`);
        expect((JSON.parse(rest.text) as DatasetRecord[]).map(({ inputs }) => inputs.q)).toEqual([2, 3, 4]);
        expect(rest.token).toBeUndefined();
      });

      it.each([
        '?max_results=-1',
        '?max_results=50001',
        '?max_results=abc',
        '?page_token=garbage',
        '?page_token=MTc5Og==',
      ])('refuses %s', async (query) => {
        const { dataset_id: id } = await create();
        const answer = await ask('GET', `/${id}/records${query}`);
        expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
      });

      it('reads a page of 0 as one of the usual size, and binds a token to its dataset', async () => {
        const { dataset_id: id } = await create();
        await upsert(id, [{ inputs: { q: 1 } }, { inputs: { q: 2 } }]);
        expect(JSON.parse((await page(id, '?max_results=0')).text)).toHaveLength(2);
        const { token } = await page(id, '?max_results=1');
        const other = await create();
        expect((await ask('GET', `/${other.dataset_id}/records?page_token=${token}`)).status).toBe(400);
      });

      it('leaves one record of two that come at once', async () => {
        const { dataset_id: id } = await create();
        const writers = Array.from({ length: 8 }, (_, writer) =>
          upsert(
            id,
            [0, 1, 2].map((n) => ({ inputs: { q: (writer + n) % 3 }, expectations: { [`w${writer}`]: n } })),
          ),
        );
        const counts = await Promise.all(writers);
        expect(counts.reduce((sum, { inserted_count }) => sum + inserted_count, 0)).toBe(3);
        const all = await records(id);
        expect(all.map(({ inputs }) => inputs.q).sort()).toEqual([0, 1, 2]);
        for (const { expectations } of all) expect(Object.keys(expectations as object)).toHaveLength(8);
        expect((await get(id)).profile).toBe('{"num_records": 3}');
      });

      it(`merges as a plain model does (seed ${seed})`, async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.array(sentRecord, { maxLength: 6 }), { maxLength: 5 }), async (requests) => {
            at.now = 10_000;
            const { dataset_id: id } = await create({ name: 'model' });
            const model = new ModelDataset();
            for (const request of requests) {
              at.now += 1;
              expect(await upsert(id, request)).toEqual(model.upsert(request, at.now));
              const { schema, profile, digest: stored, last_updated_by } = await get(id);
              expect(stored).toBe(digest('model', at.now));
              expect(last_updated_by ?? null).toBe(model.user);
              expect(schema === undefined ? null : JSON.parse(schema)).toEqual(model.schema);
              const count = model.records.size;
              expect(profile).toBe(count === 0 ? undefined : `{"num_records": ${count}}`);
            }
            const stored = (await records(id)).map(({ dataset_record_id: _, dataset_id: __, ...record }) => record);
            expect(stored).toEqual([...model.records.values()]);
          }),
          { seed, numRuns: dialect.name === 'sqlite' ? 150 : 60 },
        );
      }, 120_000);
    });
  });
}

/** Few inputs, so that many records meet; keys of outputs and their kinds clash as well. */
const value = fc.constantFrom<Json>(1, 'x', null, true, [1], { a: 1 });
const someFields = fc.dictionary(fc.constantFrom('a', 'b', 'mlflow.user'), fc.constantFrom('al', 'bo'), { maxKeys: 3 });
const sentRecord = fc.record(
  {
    inputs: fc.record({ q: fc.constantFrom<Json>(1, 2, '1'), r: value }, { requiredKeys: [] }),
    outputs: fc.oneof(value, fc.dictionary(fc.constantFrom('o', 'p'), value, { maxKeys: 2 })),
    expectations: fc.option(fc.dictionary(fc.constantFrom('e', 'f', 'g'), value, { maxKeys: 2 })),
    tags: fc.option(someFields),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Fields>;

/** What MLflow does with records, one after the other, in the fewest words. */
class ModelDataset {
  readonly records = new Map<string, Fields>();
  schema: { inputs: Fields; outputs: Fields | string; expectations: Fields; version: string } | null = null;
  user: string | null = null;

  upsert(sent: readonly Fields[], now: number): Counts {
    const before = this.records.size;
    this.user = null;
    if (sent.length > 0) this.schema ??= { inputs: {}, outputs: {}, expectations: {}, version: '1.0' };
    for (const record of sent) {
      const { inputs = {}, expectations = null } = record as Record<string, Fields | null>;
      const tags = (record.tags ?? {}) as Record<string, string>;
      const by = tags['mlflow.user'];
      if (by !== undefined) this.user = by;
      const key = JSON.stringify(Object.entries(inputs as Fields).sort());
      const old = this.records.get(key);
      const merged: Fields =
        old === undefined
          ? { inputs, outputs: {}, tags: {}, created_time: now, ...(by !== undefined && { created_by: by }) }
          : { ...old };
      if ('outputs' in record) merged.outputs = record.outputs!;
      if (merged.outputs === null) delete merged.outputs;
      if (expectations !== null && (old === undefined || Object.keys(expectations).length > 0)) {
        merged.expectations = { ...(merged.expectations as Fields | undefined), ...expectations };
      }
      merged.tags = { ...(merged.tags as Fields), ...tags };
      merged.last_update_time = now;
      if (by !== undefined) merged.last_updated_by = by;
      this.records.set(key, merged);
      this.#learn(record);
    }
    return { inserted_count: this.records.size - before, updated_count: sent.length - (this.records.size - before) };
  }

  #learn({ inputs, outputs = null, expectations }: Fields): void {
    const schema = this.schema!;
    const add = (kinds: Fields, fields: Json | undefined) => {
      for (const [key, item] of Object.entries(fields ?? {})) kinds[key] ??= kindOf(item as Json);
    };
    add(schema.inputs, inputs);
    add(schema.expectations, expectations);
    if (outputs === null || typeof schema.outputs === 'string') return;
    if (kindOf(outputs) === 'object') add(schema.outputs, outputs);
    else if (Object.keys(schema.outputs).length === 0) schema.outputs = kindOf(outputs);
  }
}

function kindOf(item: Json): string {
  if (item === null) return 'null';
  if (Array.isArray(item)) return 'array';
  return typeof item === 'number' ? 'integer' : typeof item;
}
