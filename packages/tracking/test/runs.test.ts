import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { assembleRun, refreshDocs } from '../src/runs/run.commands.ts';
import { type Api, openApi } from './api.ts';

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);

interface KeyValue {
  readonly key: string;
  readonly value: string;
}

interface Run {
  readonly info: {
    readonly run_id: string;
    readonly run_uuid: string;
    readonly run_name: string;
    readonly status: string;
    readonly end_time?: number;
    readonly lifecycle_stage: string;
    readonly artifact_uri: string;
  };
  readonly data: {
    readonly tags?: readonly KeyValue[];
    readonly params?: readonly KeyValue[];
    readonly metrics?: readonly { key: string; value: number }[];
  };
  readonly inputs: { readonly model_inputs?: object[]; readonly dataset_inputs?: object[] };
  readonly outputs: { readonly model_outputs?: object[] };
}

const tagOf = ({ data }: Run, key: string) => data.tags?.find((tag) => tag.key === key)?.value;
const NAME = 'mlflow.runName';

for (const dialect of dialects) {
  describe(`runs on ${dialect.name}`, () => {
    let api: Api;
    beforeAll(async () => {
      api = await openApi(dialect);
    });
    afterAll(() => api?.close());

    const create = async (fields: object = {}) =>
      (await api.ok(api.post<{ run: Run }>('runs/create', { experiment_id: '0', ...fields }))).run;
    const newId = async () => (await create()).info.run_id;
    const get = async (run_id: string) => (await api.ok(api.get<{ run: Run }>('runs/get', { run_id }))).run;
    const post = (rpc: string, body: object) => api.ok(api.post(`runs/${rpc}`, body));
    const refused = async (rpc: string, body: object, message: string | RegExp, status = 400) => {
      const answer = await api.post(`runs/${rpc}`, body);
      expect([answer.status, answer.body.message], rpc).toEqual([status, expect.stringMatching(message)]);
    };

    it('a name and its tag are one thing, whichever is given', async () => {
      const tags = (value: string) => [{ key: NAME, value }];
      const names = async (fields: object) => {
        const run = await get((await create(fields)).info.run_id);
        expect(tagOf(run, NAME)).toBe(run.info.run_name);
        return run.info.run_name;
      };
      expect(await names({ run_name: 'a' })).toBe('a');
      expect(await names({ tags: tags('b') })).toBe('b');
      expect(await names({ run_name: 'c', tags: tags('c') })).toBe('c');
      expect(await names({ run_name: 'd', tags: tags('') })).toBe('d');
      expect(await names({})).toMatch(/^[a-z]+-[a-z]+-\d+$/);
      await refused(
        'create',
        { experiment_id: '0', run_name: 'a', tags: tags('b') },
        /^Both 'run_name' argument and 'mlflow\.runName' tag are specified, but with different values/,
      );

      const run_id = await newId();
      for (const [rpc, body, name] of [
        ['update', { run_name: 'first' }, 'first'],
        ['set-tag', { key: NAME, value: 'second' }, 'second'],
        ['log-batch', { tags: [...tags('third'), { key: 'other', value: '1' }] }, 'third'],
        ['update', { run_name: '' }, 'third'],
      ] as const) {
        await post(rpc, { run_id, ...body });
        const run = await get(run_id);
        expect([run.info.run_name, tagOf(run, NAME)]).toEqual([name, name]);
      }
    });

    it('keeps what it is told of a run, and says where its artifacts are', async () => {
      const { info } = await create({ start_time: 12, user_id: 'me' });
      expect(info).toMatchObject({ status: 'RUNNING', start_time: 12, user_id: 'me', run_uuid: info.run_id });
      expect(info.artifact_uri).toBe(`mlflow-artifacts:/0/${info.run_id}/artifacts`);
      const run_id = info.run_id;
      const updated = await api.ok(
        api.post<{ run_info: Run['info'] }>('runs/update', { run_id, status: 'FINISHED', end_time: 99 }),
      );
      expect(updated.run_info).toMatchObject({ status: 'FINISHED', end_time: 99 });
      // An unknown status is ignored, and what is not named stays.
      await post('update', { run_id, status: 'BAD' });
      expect((await get(run_id)).info).toMatchObject({ status: 'FINISHED', end_time: 99 });
      await post('update', { run_id, status: 'FAILED' });
      expect((await get(run_id)).info).toMatchObject({ status: 'FAILED', end_time: 99 });
      for (const body of [{ run_id: 'no' }, {}]) expect((await api.post('runs/update', body)).status).not.toBe(200);
      await refused('update', { run_id: 'f'.repeat(32) }, /^Run with id=f+ not found/, 404);
    });

    it('old clients may say run_uuid', async () => {
      const run_uuid = await newId();
      await post('log-metric', { run_uuid, key: 'm', value: 1, timestamp: 1 });
      await post('log-parameter', { run_uuid, key: 'p', value: '1' });
      await post('set-tag', { run_uuid, key: 't', value: '1' });
      await post('update', { run_uuid, status: 'KILLED' });
      const { run } = await api.ok(api.get<{ run: Run }>('runs/get', { run_uuid }));
      expect(run.info.status).toBe('KILLED');
      expect(run.data).toMatchObject({ metrics: [{ key: 'm' }], params: [{ key: 'p' }] });
      expect(tagOf(run, 't')).toBe('1');
    });

    it('a deleted run takes no writes, and may be deleted and restored any number of times', async () => {
      const run_id = await newId();
      for (const rpc of ['delete', 'delete', 'restore', 'restore', 'delete'] as const) {
        await post(rpc, { run_id });
        expect((await get(run_id)).info.lifecycle_stage).toBe(rpc === 'delete' ? 'deleted' : 'active');
      }
      const dataset = { name: 'd', digest: '1', source_type: 's', source: '{}' };
      for (const [rpc, body] of [
        ['update', { status: 'FINISHED' }],
        ['log-metric', { key: 'm', value: 1, timestamp: 1 }],
        ['log-parameter', { key: 'p', value: '1' }],
        ['set-tag', { key: 't', value: '1' }],
        ['delete-tag', { key: NAME }],
        ['log-batch', { tags: [{ key: 't', value: '1' }] }],
        ['log-inputs', { datasets: [{ dataset }] }],
        ['outputs', { models: [{ model_id: 'm-1', step: 0 }] }],
      ] as const) {
        await refused(rpc, { run_id, ...body }, /must be in the 'active' state\. Current state is deleted\.$/);
      }
    });

    it('params are written once', async () => {
      const run_id = await newId();
      const p = { key: 'p', value: '1' };
      await post('log-parameter', { run_id, ...p });
      await post('log-parameter', { run_id, ...p });
      await post('log-batch', { run_id, params: [p, { key: 'q', value: '2' }] });
      await refused(
        'log-parameter',
        { run_id, key: 'p', value: '2' },
        `^Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='${run_id}'. Attempted logging new value '2'.$`,
      );
      const batch = /Params were already logged='\[\{'key': 'p', 'old_value': '1', 'new_value': '2'\}\]' for run ID=/;
      await refused('log-batch', { run_id, params: [{ key: 'p', value: '2' }] }, batch);
      await refused(
        'log-batch',
        {
          run_id,
          params: [
            { key: 'r', value: '1' },
            { key: 'p', value: '2' },
          ],
        },
        batch,
      );
      await refused('log-batch', { run_id, params: [p, p] }, /Duplicate parameter keys/);
      expect((await get(run_id)).data.params).toEqual([p, { key: 'q', value: '2' }]);
    });

    it('of many writers of one param, one wins and the others are told', async () => {
      for (const rpc of ['log-parameter', 'log-batch'] as const) {
        const run_id = await newId();
        const answers = await Promise.all(
          Array.from({ length: 12 }, (_, i) => {
            const param = { key: 'p', value: String(i) };
            return api.post(`runs/${rpc}`, { run_id, ...(rpc === 'log-batch' ? { params: [param] } : param) });
          }),
        );
        const winners = answers.flatMap(({ status }, i) => (status === 200 ? [String(i)] : []));
        expect((await get(run_id)).data.params).toEqual(winners.map((value) => ({ key: 'p', value })));
        expect(winners).toHaveLength(1);
        for (const { status, body } of answers) {
          if (status !== 200) expect(body.message).toContain(`='${winners[0]}'`.slice(1));
        }
      }
    });

    it('a batch is written whole or not at all', async () => {
      const run_id = await newId();
      const before = await get(run_id);
      const good = {
        params: [{ key: 'p', value: '1' }],
        metrics: [{ key: 'm', value: 1, timestamp: 1, step: 0 }],
        tags: [{ key: NAME, value: 'renamed' }],
      };
      const foreign = { key: 'x', value: 1, timestamp: 1, step: 0, model_id: 'm-nowhere' };
      await refused('log-batch', { run_id, ...good, metrics: [...good.metrics, foreign] }, /m-nowhere/, 404);
      await refused('log-batch', { run_id, ...good, tags: [...good.tags, { key: 'a//b', value: '' }] }, /Invalid/);
      expect(await get(run_id)).toEqual(before);
      await post('log-batch', { run_id, ...good });
      await refused('log-batch', { run_id, ...good, params: [{ key: 'p', value: '2' }] }, /Changing param/);
    });

    it('batches have limits', async () => {
      const run_id = await newId();
      const metrics = (count: number) =>
        Array.from({ length: count }, (_, step) => ({ key: 'm', value: 1, timestamp: 1, step }));
      const keyed = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: 'v' }));
      for (const [body, most] of [
        [{ metrics: metrics(1001) }, '1000'],
        [{ params: keyed(101) }, '100'],
        [{ tags: keyed(101) }, '100'],
        [{ metrics: metrics(900), params: keyed(100), tags: keyed(1) }, '1000'],
      ] as const) {
        await refused('log-batch', { run_id, ...body }, `at most ${most}|up to ${most}`);
      }
      await post('log-batch', { run_id, metrics: metrics(800), params: keyed(100), tags: keyed(100) });
      const { data } = await get(run_id);
      expect([data.metrics!.length, data.params!.length, data.tags!.length]).toEqual([1, 100, 101]);
    });

    it('tags are replaced, and deleted once', async () => {
      const run_id = await newId();
      await post('set-tag', { run_id, key: 't', value: 'x' });
      await post('set-tag', { run_id, key: 't', value: 'y' });
      await post('log-batch', {
        run_id,
        tags: [
          { key: 't', value: 'a' },
          { key: 't', value: 'b' },
        ],
      });
      expect(tagOf(await get(run_id), 't')).toBe('b');
      await post('delete-tag', { run_id, key: 't' });
      expect(tagOf(await get(run_id), 't')).toBeUndefined();
      await refused('delete-tag', { run_id, key: 't' }, /^No tag with name: t in run with id/, 404);
    });

    it('models of 2.x clients are a list in a tag, also when several are logged at once', async () => {
      const run_id = await newId();
      const model = (artifact_path: string) => ({ artifact_path, flavors: {}, utc_time_created: 'now', run_id });
      const log = (path: string) => post('log-model', { run_id, model_json: JSON.stringify(model(path)) });
      await Promise.all(['a', 'b', 'c', 'd'].map(log));
      const logged = JSON.parse(tagOf(await get(run_id), 'mlflow.log-model.history')!) as { artifact_path: string }[];
      expect(logged.map(({ artifact_path }) => artifact_path).sort()).toEqual(['a', 'b', 'c', 'd']);
      await refused('log-model', { run_id, model_json: '{' }, /^Malformed model info/);
      await refused('log-model', { run_id, model_json: '{"flavors":{}}' }, /missing mandatory fields/);
      await post('set-tag', { run_id, key: 'mlflow.log-model.history', value: 'mine' });
      await refused('log-model', { run_id, model_json: JSON.stringify(model('a')) }, /holds no JSON list/);
    });

    it('inputs and outputs are kept once; a search leaves nothing out that it shows', async () => {
      const run_id = await newId();
      const input = (digest: string, context: string) => ({
        tags: [{ key: 'mlflow.data.context', value: context }],
        dataset: { name: 'd', digest, source_type: 's', source: '{}' },
      });
      await post('log-inputs', {
        run_id,
        datasets: [input('1', 'train'), input('1', 'eval')],
        models: [{ model_id: 'm-in' }],
      });
      await post('log-inputs', {
        run_id,
        datasets: [input('1', 'eval'), input('2', 'eval')],
        models: [{ model_id: 'm-in' }],
      });
      for (const step of [1, 2]) await post('outputs', { run_id, models: [{ model_id: 'm-out', step }] });
      const run = await get(run_id);
      expect(run.inputs).toEqual({
        model_inputs: [{ model_id: 'm-in' }],
        dataset_inputs: [input('1', 'train'), input('2', 'eval')],
      });
      expect(run.outputs).toEqual({ model_outputs: [{ model_id: 'm-out', step: expect.any(Number) as number }] });
    });

    it(`what is read is what was written, with and without ready-made documents (seed ${seed})`, async () => {
      const runIds = await Promise.all([newId(), newId()]);
      const { experiment_id } = await api.ok(
        api.post<{ experiment_id: string }>('experiments/create', { name: 'docs' }),
      );
      runIds.push((await create({ experiment_id })).info.run_id);
      const run_id = fc.constantFrom(...runIds);
      const value = fc.constantFrom('1', '2');
      const on = (rpc: string, body: Record<string, fc.Arbitrary<unknown>> = {}) =>
        fc.record({ run_id, ...body }).map((fields) => () => api.post(`runs/${rpc}`, fields));
      const dataset = { name: 'd', digest: '1', source_type: 's', source: '{}' };
      const operation = fc.oneof(
        on('set-tag', { key: fc.constantFrom('t', NAME), value }),
        on('delete-tag', { key: fc.constantFrom('t', NAME) }),
        on('log-metric', {
          key: fc.constant('m'),
          value: fc.integer({ max: 9 }),
          timestamp: fc.nat(9),
          step: fc.nat(9),
        }),
        on('log-batch', {
          tags: fc.tuple(fc.record({ key: fc.constant('b'), value })),
          params: fc.tuple(fc.record({ key: fc.constantFrom('p', 'q'), value })),
        }),
        on('update', { status: fc.constantFrom('RUNNING', 'FINISHED'), run_name: value }),
        on('delete'),
        on('restore'),
        on('restore'),
        on('log-inputs', { datasets: fc.constant([{ dataset }]) }),
        on('outputs', { models: fc.tuple(fc.record({ model_id: fc.constantFrom('m-1', 'm-2'), step: fc.nat(3) })) }),
        fc.constantFrom('delete', 'restore').map((rpc) => () => api.post(`experiments/${rpc}`, { experiment_id })),
        fc.constant(() => api.db.write(refreshDocs, runIds)),
        fc.constant(() => api.db.write(refreshDocs, runIds)),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(operation, fc.boolean()), { maxLength: 15 }), async (steps) => {
          const pending: Promise<unknown>[] = [];
          for (const [start, alone] of steps) {
            const done = start();
            if (alone) await done;
            else pending.push(done);
          }
          await Promise.all(pending);

          for (const id of runIds) {
            const fresh = await api.db.search(assembleRun, id);
            expect((await api.get('runs/get', { run_id: id })).text).toBe(`{"run":${fresh}}`);
          }
        }),
        { seed, numRuns: dialect.name === 'sqlite' ? 120 : 50 },
      );
    });
  });
}
