import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { importExperiment } from '../src/transfer/import.commands.ts';
import { type Api, openApi } from './api.ts';

/** As MLflow's file store gives them: beyond what a double holds exactly. */
const LONG = '958738461837465123';

for (const dialect of dialects) {
  describe(`experiments with the ids of a file store, on ${dialect.name}`, () => {
    let api: Api;
    const bring = (id: string, name: string) =>
      api.db.write(importExperiment, {
        source: 'test',
        record: {
          id,
          name,
          stage: 'active',
          creationTime: 5,
          lastUpdateTime: 6,
          artifactLocation: `file:///old/${id}`,
          tags: [{ key: 'team', value: 'a' }],
        },
        keepLocation: false,
        artifactRoot: 'mlflow-artifacts:/',
        digest: 'd',
        now: 7,
      });
    const create = (name: string) =>
      api.ok(api.post<{ experiment_id: string }>('experiments/create', { name })).then((made) => made.experiment_id);

    beforeAll(async () => {
      api = await openApi(dialect);
    });
    afterAll(() => api?.close());

    it('keep them, and ids that are given out afterwards count on from where they were', async () => {
      expect(await create('before')).toBe('1');
      expect(String((await bring(LONG, 'long')).id)).toBe(LONG);
      expect(await create('after')).toBe('2');
      await bring('7', 'short');
      expect(await create('last')).toBe('8');
      const answer = await api.get('experiments/get', { experiment_id: LONG });
      expect(answer.text).toContain(`"experiment_id":"${LONG}"`);
      expect(answer.body).toMatchObject({ experiment: { name: 'long', tags: [{ key: 'team', value: 'a' }] } });
    });

    it('take runs, and are searched alone, with others and page by page', async () => {
      const runs: string[] = [];
      for (const [i, experiment_id] of [LONG, LONG, '0'].entries()) {
        const made = await api.ok(
          api.post<{ run: { info: { run_id: string; experiment_id: string } } }>('runs/create', {
            experiment_id,
            start_time: 10 - i,
          }),
        );
        expect(made.run.info.experiment_id).toBe(experiment_id);
        runs.push(made.run.info.run_id);
        const metric = { run_id: made.run.info.run_id, key: 'm', value: i, timestamp: 1 };
        await api.ok(api.post('runs/log-metric', metric));
      }
      const search = async (body: object): Promise<string[]> => {
        const found: string[] = [];
        let page_token: string | undefined;
        do {
          const page = await api.ok(
            api.post<{ runs?: { info: { run_id: string } }[]; next_page_token?: string }>('runs/search', {
              ...body,
              max_results: 1,
              page_token,
            }),
          );
          for (const { info } of page.runs ?? []) found.push(info.run_id);
          page_token = page.next_page_token;
        } while (page_token !== undefined);
        return found;
      };
      const [first, second, other] = runs;
      expect(await search({ experiment_ids: [LONG] })).toEqual([first, second]);
      expect(await search({ experiment_ids: [LONG, '0'] })).toEqual([first, second, other]);
      expect(await search({ experiment_ids: [LONG], order_by: ['metrics.m DESC'] })).toEqual([second, first]);
      expect(await search({ experiment_ids: [LONG], filter: 'metrics.m > 0' })).toEqual([second]);
      const many = Array.from({ length: 30 }, (_, i) => String(100 + i));
      expect(await search({ experiment_ids: [...many, LONG] })).toEqual([first, second]);
      await api.ok(api.post('experiments/delete', { experiment_id: LONG }));
      expect(await search({ experiment_ids: [LONG] })).toEqual([]);
      expect(await search({ experiment_ids: [LONG], run_view_type: 'DELETED_ONLY' })).toEqual([first, second]);
    });
  });
}
