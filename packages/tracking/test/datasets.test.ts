import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { type Api, inspect, openApi } from './api.ts';

for (const dialect of dialects) {
  describe(`datasets on ${dialect.name}`, () => {
    let api: Api;
    beforeAll(async () => {
      api = await openApi(dialect);
    });
    afterAll(() => api?.close());

    const newRun = async (experiment_id: string) =>
      (await api.ok(api.post<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id }))).run.info.run_id;
    const input = (name: string, digest: string, context?: string) => ({
      tags: context === undefined ? [] : [{ key: 'mlflow.data.context', value: context }],
      dataset: { name, digest, source_type: 's', source: '{}' },
    });
    const log = (run_id: string, ...datasets: object[]) => api.ok(api.post('runs/log-inputs', { run_id, datasets }));
    const search = (experiment_ids: readonly string[]) =>
      api.post<{ dataset_summaries?: object[] }>('/ajax-api/2.0/mlflow/experiments/search-datasets', {
        experiment_ids,
      });

    it('are stored once an experiment by name and digest, however many runs log them at once', async () => {
      const runs = await Promise.all(Array.from({ length: 6 }, () => newRun('0')));
      await Promise.all(runs.map((run) => log(run, input('a', '1', 'train'), input('b', '1'))));
      await Promise.all(runs.map((run) => log(run, input('b', '1', 'eval'), input('a', '1', 'train'))));
      const rows = await inspect(api.db, 'SELECT name, digest FROM datasets WHERE experiment_id = 0 ORDER BY name');
      expect(rows).toEqual([
        ['a', '1'],
        ['b', '1'],
      ]);
      for (const run_id of runs) {
        const { run } = await api.ok(api.get<{ run: { inputs: object } }>('runs/get', { run_id }));
        expect(run.inputs).toEqual({ dataset_inputs: [input('a', '1', 'train'), input('b', '1')] });
      }
    });

    it('are summed up once for each context, and found by it', async () => {
      const { experiment_id } = await api.ok(api.post<{ experiment_id: string }>('experiments/create', { name: 'd' }));
      const [first, second] = [await newRun(experiment_id), await newRun(experiment_id)];
      await log(first, input('a', '1', 'train'), input('a', '2', 'eval'));
      await log(second, input('a', '1', 'eval'), input('a', '2', 'eval'), input('c', '1'));
      const summary = (name: string, digest: string, context?: string) => ({
        experiment_id,
        name,
        digest,
        ...(context && { context }),
      });
      const { dataset_summaries } = await api.ok(search([experiment_id]));
      expect(dataset_summaries).toHaveLength(4);
      expect(dataset_summaries).toEqual(
        expect.arrayContaining([
          summary('a', '1', 'eval'),
          summary('a', '1', 'train'),
          summary('a', '2', 'eval'),
          summary('c', '1'),
        ]),
      );
      const found = async (filter: string) => {
        const { runs = [] } = await api.ok(
          api.post<{ runs?: { info: { run_id: string } }[] }>('runs/search', {
            experiment_ids: [experiment_id],
            filter,
          }),
        );
        return runs.map(({ info }) => info.run_id).sort();
      };
      expect(await found("dataset.context = 'train'")).toEqual([first]);
      expect(await found("dataset.context = 'eval' AND dataset.name = 'a'")).toEqual([first, second].sort());
      expect(await found("dataset.digest = '1' AND dataset.name = 'c'")).toEqual([second]);
    });

    it('what is no dataset is refused in words, and nothing of the request is kept', async () => {
      const run_id = await newRun('0');
      const good = input('good', '1');
      for (const bad of [
        {},
        { dataset: { name: 'x', digest: '1', source_type: 's' } },
        input('x'.repeat(501), '1'),
        input('x', '1'.repeat(37)),
        { ...good, tags: [{ key: 'k'.repeat(256), value: 'v' }] },
        { ...good, tags: [{ key: 'k', value: 'v'.repeat(501) }] },
      ]) {
        const { status, body } = await api.post('runs/log-inputs', { run_id, datasets: [good, bad] });
        expect([status, body.error_code], JSON.stringify(bad).slice(0, 80)).toEqual([400, 'INVALID_PARAMETER_VALUE']);
      }
      const { run } = await api.ok(api.get<{ run: { inputs: object } }>('runs/get', { run_id }));
      expect(run.inputs).toEqual({});
      for (const ids of [[], Array.from({ length: 21 }, (_, i) => String(i)), ['x']])
        expect((await search(ids)).status).toBe(400);
    });
  });
}
