import { Readable } from 'node:stream';
import { parseArtifactPath, parseFolderPath } from '@millrace/objects';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { claimModel, claimRun, type GcScope, purgeExperiment, purgeSome } from '../src/gc/gc.commands.ts';
import { ArtifactPlaces, collectGarbage, findGarbage } from '../src/index.ts';
import { assembleRun, logBatch, refreshDocs } from '../src/runs/run.commands.ts';
import { type Api, inspect, openApi } from './api.ts';

const EVERYTHING: GcScope = { before: Number.MAX_SAFE_INTEGER, runIds: [], experimentIds: [] };

for (const dialect of dialects) {
  describe(`garbage collection on ${dialect.name}`, () => {
    let api: Api;
    beforeEach(async () => {
      api = await openApi(dialect);
    });
    afterEach(() => api?.close());

    const post = (path: string, body: object) => api.ok(api.post(path, body));
    const newExperiment = async (name: string, fields: object = {}) =>
      (await api.ok(api.post<{ experiment_id: string }>('experiments/create', { name, ...fields }))).experiment_id;
    const put = (path: string) => api.store.write(parseArtifactPath(path), Readable.from([Buffer.from('x')]));
    const folderOf = (uri: string) => uri.replace('mlflow-artifacts:/', '');
    const newRun = async (experiment_id = '0') => {
      const { run } = await api.ok(
        api.post<{ run: { info: { run_id: string; artifact_uri: string } } }>('runs/create', { experiment_id }),
      );
      const { run_id, artifact_uri } = run.info;
      await post('runs/log-batch', {
        run_id,
        metrics: [{ key: 'm', value: 1, timestamp: 1, step: 0 }],
        params: [{ key: 'p', value: '1' }],
      });
      await put(`${folderOf(artifact_uri)}/sub/file`);
      return run_id;
    };
    const newModel = async (experiment_id: string) => {
      const { model } = await api.ok(
        api.post<{ model: { info: { model_id: string; artifact_uri: string } } }>('logged-models', {
          experiment_id,
          name: 'n',
        }),
      );
      await put(`${folderOf(model.info.artifact_uri)}/MLmodel`);
      return model.info.model_id;
    };
    const gc = (scope: Partial<GcScope> = {}, places = api.places) =>
      collectGarbage(api.db, places, {
        scope: { ...EVERYTHING, ...scope },
        artifactRoot: 'mlflow-artifacts:/',
        onProgress: () => {},
      });
    const files = async (folder = '') => {
      const found: string[] = [];
      for await (const { path } of api.store.listRecursive(parseFolderPath(folder))) found.push(path);
      return found.sort();
    };
    const status = async (run_id: string) => (await api.get('runs/get', { run_id })).status;
    const rowsOf = async (table: string) => (await inspect(api.db, `SELECT count(*) FROM ${table}`))[0]![0];

    it('removes what was deleted, all of it, and nothing else', async () => {
      const [kept, gone] = [await newRun(), await newRun()];
      const doomed = await newExperiment('doomed');
      const runs = [await newRun(doomed), await newRun(doomed)];
      const model = await newModel(doomed);
      await post('runs/outputs', { run_id: kept, models: [{ model_id: model, step: 0 }] });
      await post('runs/log-inputs', {
        run_id: runs[0],
        datasets: [{ dataset: { name: 'd', digest: '1', source_type: 's', source: '{}' } }],
      });
      await post('runs/delete', { run_id: gone });
      await post('experiments/delete', { experiment_id: doomed });
      await api.db.write(refreshDocs, [kept, gone, ...runs]);

      const found = await findGarbage(api.db, EVERYTHING);
      expect(found.runs.map(({ runUuid }) => runUuid)).toEqual([gone, ...runs]);
      expect(await status(gone)).toBe(200);

      expect(await gc()).toEqual({ runs: 3, models: 1, experiments: 1, failures: [] });
      for (const id of [gone, ...runs]) expect(await status(id)).toBe(404);
      expect((await api.get('experiments/get', { experiment_id: doomed })).status).toBe(404);
      expect(await files()).toEqual([`0/${kept}/artifacts/sub/file`]);
      for (const table of ['metrics', 'latest_metrics', 'params']) expect(await rowsOf(table), table).toBe(1);
      for (const table of ['run_models', 'logged_models', 'datasets', 'run_datasets'])
        expect(await rowsOf(table), table).toBe(0);
      // The run that had made the model says so no longer, from its document or without.
      const fresh = await api.db.search(assembleRun, kept);
      expect((await api.get('runs/get', { run_id: kept })).text).toBe(`{"run":${fresh}}`);

      expect(await gc()).toEqual({ runs: 0, models: 0, experiments: 0, failures: [] });
      await newExperiment('doomed');
    });

    it('keeps to the time and the ids that it is given', async () => {
      const [old, young] = [await newRun(), await newRun()];
      api.now = 100;
      await post('runs/delete', { run_id: old });
      api.now = 200;
      await post('runs/delete', { run_id: young });
      const experiment = await newExperiment('e');
      const active = await newRun(experiment);
      await expect(gc({ runIds: [active] })).rejects.toThrow(/is not in deleted state/);
      await expect(gc({ experimentIds: [experiment] })).rejects.toThrow(/is not in deleted state/);
      await expect(gc({ runIds: ['nothing'] })).rejects.toThrow(/is not in deleted state/);
      expect((await gc({ before: 150 })).runs).toBe(1);
      expect([await status(old), await status(young)]).toEqual([404, 200]);
      await post('experiments/delete', { experiment_id: experiment });
      expect(await gc({ experimentIds: [experiment] })).toMatchObject({ runs: 1, experiments: 1 });
      expect([await status(active), await status(young)]).toEqual([404, 200]);
      expect((await gc({ runIds: [young] })).runs).toBe(1);
    });

    it('goes on where it was interrupted, and nobody reaches what is half gone', async () => {
      const run_id = await newRun();
      await post('runs/delete', { run_id });
      await api.db.write(refreshDocs, [run_id]);
      expect(await api.db.write(claimRun, run_id)).toBe(true);
      expect(await status(run_id)).toBe(404);
      expect((await api.post('runs/restore', { run_id })).status).toBe(404);
      const { runs } = await api.ok(
        api.post<{ runs?: object[] }>('runs/search', { experiment_ids: ['0'], run_view_type: 'ALL' }),
      );
      expect(runs).toBeUndefined();
      // Artifacts are gone, the process dies here.
      await api.store.removeTree(parseFolderPath(`0/${run_id}`));
      expect(await gc()).toMatchObject({ runs: 1, failures: [] });
      expect(await rowsOf('runs')).toBe(0);
      expect(await rowsOf('metrics')).toBe(0);
    });

    it('leaves alone what is restored before its turn', async () => {
      const experiment_id = await newExperiment('e');
      const run_id = await newRun(experiment_id);
      const model_id = await newModel(experiment_id);
      await post('experiments/delete', { experiment_id });
      const found = await findGarbage(api.db, EVERYTHING);
      expect([found.runs.length, found.models.length, found.experiments.length]).toEqual([1, 1, 1]);
      await post('experiments/restore', { experiment_id });
      expect(await api.db.write(claimRun, run_id)).toBe(false);
      expect(await api.db.write(claimModel, model_id)).toBe(false);
      expect(await api.db.write(purgeExperiment, Number(experiment_id))).toBe(false);
      expect(await status(run_id)).toBe(200);
      expect((await api.get(`logged-models/${model_id}`)).status).toBe(200);
    });

    it('removes a long history in pieces, however its steps are', async () => {
      for (const stepOf of [(i: number) => i, () => 0]) {
        const runUuid = await newRun();
        for (let from = 0; from < 45_000; from += 5_000) {
          const metrics = Array.from({ length: 5_000 }, (_, i) => ({
            key: 'm',
            value: (from + i) / 3,
            timestamp: 1 + from + i,
            step: stepOf(from + i),
          }));
          await api.db.write(logBatch, { runUuid, metrics, params: [], tags: [] });
        }
        await post('runs/delete', { run_id: runUuid });
        await api.db.write(claimRun, runUuid);
        const left: unknown[] = [];
        do left.push(await rowsOf('metrics'));
        while (!(await api.db.write(purgeSome, runUuid)));
        expect(left).toEqual([45_001, 25_001, 5_001]);
        expect(await rowsOf('metrics')).toBe(0);
      }
    });

    it('a folder that somebody chose is shared: only what is the run’s own goes', async () => {
      const experiment_id = await newExperiment('shared', { artifact_location: 'mlflow-artifacts:/team' });
      const run_id = await newRun(experiment_id);
      await put('team/notes.txt');
      await put('team/0123/artifacts/of-others');
      await post('experiments/delete', { experiment_id });
      expect(await gc()).toMatchObject({ runs: 1, experiments: 1, failures: [] });
      expect(await files()).toEqual(['team/0123/artifacts/of-others', 'team/notes.txt']);
      expect(await status(run_id)).toBe(404);
    });

    it('keeps what has artifacts that cannot be removed, and its experiment', async () => {
      const experiment_id = await newExperiment('e');
      const run_id = await newRun(experiment_id);
      const model_id = await newModel(experiment_id);
      await post('experiments/delete', { experiment_id });
      const nowhere = new ArtifactPlaces({ proxied: null, locations: {} });
      const report = await gc({}, nowhere);
      expect(report).toMatchObject({ runs: 0, models: 0, experiments: 0 });
      expect(report.failures.map(({ what }) => what)).toEqual([`run ${run_id}`, `logged model ${model_id}`]);
      expect(await gc()).toEqual({ runs: 1, models: 1, experiments: 1, failures: [] });
      expect(await files()).toEqual([]);
    });
  });
}
