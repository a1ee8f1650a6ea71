import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { createExperiment } from '../src/experiments/experiment.commands.ts';
import { getLoggedModel } from '../src/logged-models/logged-model.commands.ts';
import { assembleRun, readRunDoc } from '../src/runs/run.commands.ts';
import { findImported, findOwn, importExperiment, importRun } from '../src/transfer/import.commands.ts';
import { importModel } from '../src/transfer/import-model.commands.ts';
import type { ExperimentRecord, ModelRecord, RunRecord } from '../src/transfer/records.ts';
import { openWorld, type World } from './world.ts';

const experiment: ExperimentRecord = {
  id: '7',
  name: 'seven',
  artifactLocation: '/old/7',
  stage: 'active',
  creationTime: 10,
  lastUpdateTime: 20,
  tags: [{ key: 'owner', value: 'Zoë' }],
};
const run: RunRecord = {
  runUuid: 'a'.repeat(32),
  experimentId: '7',
  name: 'one',
  userId: 'me',
  status: 'FINISHED',
  startTime: 1,
  endTime: 2,
  deletedTime: null,
  stage: 'active',
  artifactUri: '/old/7/a',
  params: [{ key: 'lr', value: '0.1' }],
  tags: [{ key: 'mlflow.runName', value: 'one' }],
  datasets: [],
  modelInputs: [],
  modelOutputs: [],
};
const model: ModelRecord = {
  modelId: 'm-1',
  experimentId: '7',
  name: 'model',
  artifactLocation: '/old/m',
  creationTime: 1,
  lastUpdateTime: 2,
  status: 2,
  statusMessage: null,
  modelType: 'sklearn',
  sourceRunId: run.runUuid,
  stage: 'active',
  params: [],
  tags: [],
};
const common = { source: 'test', digest: 'digest', now: 5 };

for (const dialect of dialects) {
  describe(`imports on ${dialect.name}`, () => {
    let world: World;
    const bring = (record: ExperimentRecord, digest = 'digest') =>
      world.db.write(importExperiment, {
        ...common,
        digest,
        record,
        keepLocation: false,
        artifactRoot: 'mlflow-artifacts:/',
      });

    beforeAll(async () => {
      world = await openWorld(dialect);
    });
    afterAll(() => world.close());

    test('keep a free experiment id, and the next new one is another', async () => {
      expect(await bring(experiment)).toEqual({ id: 7, name: 'seven', artifactLocation: 'mlflow-artifacts:/7' });
      const fresh = { name: 'new', artifactLocation: undefined, artifactRoot: 'mlflow-artifacts:/', tags: [], now: 1 };
      expect(await world.db.write(createExperiment, fresh)).toBe('8');
      expect(await bring({ ...experiment, id: '8', name: 'eight' })).toMatchObject({ id: 9, name: 'eight' });
      expect(await bring({ ...experiment, id: '758837009708118469', name: 'long id' })).toMatchObject({
        id: 758837009708118469n,
      });
      expect(await bring({ ...experiment, name: 'renamed' }, 'changed')).toMatchObject({ id: 7, name: 'renamed' });
    });

    test('show a run once its last piece is in', async () => {
      const piece = { ...common, record: run, experimentId: 7, artifactUri: 'mlflow-artifacts:/7/a' };
      const points = (from: number) =>
        Array.from({ length: 3 }, (_, i) => ({ key: 'loss', value: from + i, timestamp: from + i, step: from + i }));
      await world.db.write(importRun, { ...piece, points: points(0), isLast: false });
      await expect(world.db.read(readRunDoc, run.runUuid)).rejects.toThrow('not found');
      const ids = { kind: 'run', ids: [run.runUuid] } as const;
      expect(await world.db.search(findOwn, ids)).toEqual(new Set());

      await world.db.write(importRun, { ...piece, points: points(2), isLast: true });
      // Again, as after an interruption.
      await world.db.write(importRun, { ...piece, points: points(0), isLast: false });
      const doc = JSON.parse(await world.db.read(assembleRun, run.runUuid)) as object;
      expect(doc).toMatchObject({
        info: { run_name: 'one', status: 'FINISHED', lifecycle_stage: 'active', end_time: 2 },
        data: { metrics: [{ key: 'loss', value: 4, step: 4 }], params: [{ key: 'lr', value: '0.1' }] },
      });
      const found = await world.db.search(findImported, { source: 'test', ...ids });
      expect(found.get(run.runUuid)).toEqual({ targetId: run.runUuid, digest: 'digest' });
    });

    test('go on with a logged model that is there in part', async () => {
      const piece = { ...common, record: model, experimentId: 7, artifactLocation: 'mlflow-artifacts:/7/m' };
      const metrics = [{ key: 'f1', value: 0.5, timestamp: 1, step: 0, runUuid: run.runUuid }];
      await world.db.write(importModel, { ...piece, metrics, isLast: false });
      const get = () => world.db.read(getLoggedModel, { modelId: model.modelId, allowDeleted: false });
      await expect(get()).rejects.toThrow('not found');
      expect(await world.db.search(findOwn, { kind: 'model', ids: [model.modelId] })).toEqual(new Set());
      await world.db.write(importModel, { ...piece, metrics, isLast: true });
      expect(JSON.parse((await get()).first.text)).toMatchObject({ info: { status: 'LOGGED_MODEL_READY' } });
    });
  });
}
