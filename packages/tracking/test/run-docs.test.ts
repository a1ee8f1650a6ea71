import { setTimeout as sleep } from 'node:timers/promises';
import { migrate, openDatabase, parseBackendUri, write } from '@millrace/db';
import { dialects } from '@millrace/tools/testkit';
import { describe, expect, it } from 'vitest';
import { createExperiment, setExperimentStage } from '../src/experiments/experiment.commands.ts';
import { migrations } from '../src/index.ts';
import { createRun, readRunDoc, refreshDocs } from '../src/runs/run.commands.ts';

const postgres = dialects.find(({ name }) => name === 'postgres');

/** Time for the others to get as far as they can. */
const settle = () => sleep(150);

describe.skipIf(postgres === undefined)('ready-made JSON of runs, on PostgreSQL (not tested without it)', () => {
  it('is dropped by a change of the experiment that began while it was being made', async () => {
    const { uri, drop } = await postgres!.createDatabase();
    const backend = parseBackendUri(uri);
    await migrate(backend, migrations, 0);
    const db = await openDatabase(backend, { modules: [], onDeath: () => {} });
    const experimentId = await db.write(createExperiment, {
      name: 'changes',
      artifactLocation: undefined,
      artifactRoot: 'mlflow-artifacts:/',
      tags: [],
      now: 0,
    });
    const runUuid = 'a'.repeat(32);
    await db.write(createRun, { runUuid, experimentId, name: 'run', userId: '', startTime: 0, tags: [] });

    // Whoever makes the JSON has read the run, and cannot store it yet.
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const hold = write('test.hold', async (tx, uuid: string): Promise<never> => {
      await tx.run("INSERT INTO run_docs (run_id, doc) SELECT id, 'in the way' FROM runs WHERE run_uuid = ?", [uuid]);
      await released;
      throw new Error('never meant to stay');
    });
    const holding = db.write(hold, runUuid).catch(() => {});
    await settle();
    const refreshing = db.write(refreshDocs, [runUuid]);
    await settle();
    const deleting = db.write(setExperimentStage, { experimentId, stage: 'deleted', now: 1 });
    await settle();
    release();
    await Promise.all([holding, refreshing, deleting]);

    expect(await db.read(readRunDoc, runUuid)).toBeNull();
    await db.close();
    await drop();
  });
});
