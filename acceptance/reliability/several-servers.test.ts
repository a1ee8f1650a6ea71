// Promise: several servers on one PostgreSQL are consistent: read-your-write on any of them, unique names, params that never
// change, and no answer of a run that is older than the last write to it.
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresMissing, sharedPostgres, startServer, type TestServer } from '@millrace/tools/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  call,
  expectNoIncident,
  get,
  getRun,
  history,
  isLong,
  newExperiment,
  newRun,
  post,
  Random,
  type Run,
  searchRuns,
  unique,
} from './support.ts';

const MUCH = isLong ? 10 : 1;

describe.skipIf(postgresMissing() !== undefined)('three servers (not tested without PostgreSQL)', () => {
  let servers: TestServer[];
  let urls: string[];
  beforeAll(async () => {
    const backend = (await (await sharedPostgres()).createDatabase()) as `postgresql://${string}`;
    // All migrate the empty database at once.
    servers = await Promise.all([1, 2, 3].map(() => startServer({ backend })));
    urls = servers.map(({ url }) => url);
  });
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  const everywhere = <T>(times: number, work: (url: string, i: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: times }, (_, i) => work(urls[i % urls.length]!, i)));

  test('one of many that create an experiment of one name succeeds', async () => {
    for (let round = 0; round < 5 * MUCH; round++) {
      const name = unique('contested');
      const answers = await everywhere(18, (url) => call(url, 'POST', 'experiments/create', { name }));
      const refused = answers.filter(({ status }) => status !== 200);
      expect(refused).toHaveLength(17);
      for (const { text } of refused) expect(text).toMatch(/RESOURCE_ALREADY_EXISTS|RESOURCE_CONFLICT/);
    }
  });

  test('renaming to one name: one succeeds', async () => {
    const ids = await everywhere(9, (url) => newExperiment(url));
    const name = unique('renamed');
    const answers = await everywhere(9, (url, i) =>
      call(url, 'POST', 'experiments/update', { experiment_id: ids[i], new_name: name }),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  });

  test('of many values for one param one stays, and its writer alone succeeds', async () => {
    const experiment = await newExperiment(urls[0]!);
    for (let round = 0; round < 10 * MUCH; round++) {
      const run_id = await newRun(urls[0]!, experiment);
      const answers = await everywhere(12, (url, i) =>
        call(url, 'POST', 'runs/log-parameter', { run_id, key: 'p', value: `v${i}` }),
      );
      const winners = answers.flatMap(({ status }, i) => (status === 200 ? [`v${i}`] : []));
      expect(winners).toHaveLength(1);
      expect(answers.filter(({ status }) => status !== 200 && status !== 400)).toEqual([]);
      for (const url of urls)
        expect((await getRun(url, run_id)).data.params).toEqual([{ key: 'p', value: winners[0] }]);
    }
  });

  test('a batch that clashes leaves nothing', async () => {
    const experiment = await newExperiment(urls[0]!);
    const run_id = await newRun(urls[0]!, experiment);
    const answers = await everywhere(12, (url, i) =>
      call(url, 'POST', 'runs/log-batch', {
        run_id,
        params: [
          { key: `own${i}`, value: 'x' },
          { key: 'shared', value: `v${i}` },
        ],
        tags: [{ key: `tag${i}`, value: 'x' }],
      }),
    );
    const winner = answers.findIndex(({ status }) => status === 200);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const { data } = await getRun(urls[1]!, run_id);
    expect(data.params).toEqual([
      { key: `own${winner}`, value: 'x' },
      { key: 'shared', value: `v${winner}` },
    ]);
    expect(data.tags?.filter(({ key }) => key.startsWith('tag'))).toEqual([{ key: `tag${winner}`, value: 'x' }]);
  });

  test('writers of the same rows in opposite orders all get through', async () => {
    const experiment = await newExperiment(urls[0]!);
    const run_id = await newRun(urls[0]!, experiment);
    const keys = Array.from({ length: 30 }, (_, i) => unique(`k${i}`));
    const answers = await everywhere(24, (url, i) => {
      const order = i % 2 === 0 ? keys : keys.toReversed();
      return call(url, 'POST', 'runs/log-batch', {
        run_id,
        tags: order.map((key) => ({ key, value: `${i}` })),
        params: order.map((key) => ({ key: `p${key}`, value: 'same' })),
        metrics: order.map((key) => ({ key: `m${key}`, value: i, step: i, timestamp: 1 })),
      });
    });
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const { data } = await getRun(urls[2]!, run_id);
    const values = new Set(data.tags?.filter(({ key }) => keys.includes(key)).map(({ value }) => value));
    expect(values.size).toBe(1);
    expect(new Set(data.metrics?.map(({ step }) => step))).toEqual(new Set([23]));
  });

  test('many that update, rename, delete and restore one run all get through', async () => {
    const experiment = await newExperiment(urls[0]!);
    const run_id = await newRun(urls[0]!, experiment);
    const answers = await everywhere(48, (url, i) => {
      if (i % 3 === 0) return call(url, 'POST', 'runs/update', { run_id, run_name: `name${i}`, status: 'FINISHED' });
      if (i % 3 === 1) return call(url, 'POST', 'runs/set-tag', { run_id, key: 'mlflow.runName', value: `name${i}` });
      return call(url, 'POST', i % 2 === 0 ? 'runs/delete' : 'runs/restore', { run_id });
    });
    // A deleted run takes no change.
    expect(answers.filter(({ status }) => status !== 200 && status !== 400)).toEqual([]);
    await post(urls[0]!, 'runs/restore', { run_id });
    const { info, data } = await getRun(urls[1]!, run_id);
    expect(data.tags?.find(({ key }) => key === 'mlflow.runName')?.value).toBe(info.run_name);
  });

  test('every model that many log to one run is kept', async () => {
    const experiment = await newExperiment(urls[0]!);
    const run_id = await newRun(urls[0]!, experiment);
    await everywhere(12, (url, i) =>
      post(url, 'runs/log-model', {
        run_id,
        model_json: JSON.stringify({ artifact_path: `m${i}`, flavors: {}, utc_time_created: 't', run_id }),
      }),
    );
    const { data } = await getRun(urls[0]!, run_id);
    const models = JSON.parse(data.tags!.find(({ key }) => key === 'mlflow.log-model.history')!.value) as {
      artifact_path: string;
    }[];
    expect(models.map(({ artifact_path }) => artifact_path).sort()).toEqual(
      Array.from({ length: 12 }, (_, i) => `m${i}`).sort(),
    );
  });

  test('what one server acknowledged every server answers, while experiments and runs change under all of them', async () => {
    const random = new Random();
    const experiment = await newExperiment(urls[0]!);
    // Each writer has runs of its own and knows what they must be; all share keys, and so the caches.
    const writers = Array.from({ length: 9 }, (_, w) => ownRuns(experiment, w, random));
    await Promise.all(writers);
    // Deleting the experiment changes every run of it.
    await post(urls[1]!, 'experiments/delete', { experiment_id: experiment });
    const stages = (runs: readonly Run[]) => new Set(runs.map(({ info }) => info.lifecycle_stage));
    for (const url of urls)
      expect(stages(await searchRuns(url, experiment, { run_view_type: 'ALL' }))).toEqual(new Set(['deleted']));
    await post(urls[2]!, 'experiments/restore', { experiment_id: experiment });
    for (const url of urls)
      expect(stages(await searchRuns(url, experiment, { run_view_type: 'ALL' }))).toEqual(new Set(['active']));
  });

  async function ownRuns(experiment: string, writer: number, random: Random): Promise<void> {
    const anyUrl = () => random.pick(urls);
    const runs = await Promise.all([0, 1].map(() => newRun(anyUrl(), experiment)));
    const wanted = new Map(
      runs.map((run) => [
        run,
        { tags: new Map<string, string>(), steps: new Map<string, number>(), status: 'RUNNING' },
      ]),
    );
    for (let n = 0; n < 60 * MUCH; n++) {
      const run_id = random.pick(runs);
      const state = wanted.get(run_id)!;
      const key = `k${random.below(4)}`;
      const kind = random.below(5);
      if (kind === 0) {
        await post(anyUrl(), 'runs/set-tag', { run_id, key, value: `${writer}.${n}` });
        state.tags.set(key, `${writer}.${n}`);
      } else if (kind === 1) {
        await post(anyUrl(), 'runs/log-metric', { run_id, key, value: n, step: n, timestamp: n });
        state.steps.set(key, n);
      } else if (kind === 2) {
        state.status = random.pick(['FINISHED', 'RUNNING', 'FAILED']);
        await post(anyUrl(), 'runs/update', { run_id, status: state.status });
      } else if (kind === 3 && state.tags.has(key)) {
        await post(anyUrl(), 'runs/delete-tag', { run_id, key });
        state.tags.delete(key);
      } else {
        await searchRuns(anyUrl(), experiment);
      }
      for (const url of urls) {
        const run = await getRun(url, run_id);
        expect(run.info.status).toBe(state.status);
        const tags = run.data.tags?.filter((tag) => tag.key.startsWith('k')) ?? [];
        expect(new Map(tags.map((tag) => [tag.key, tag.value]))).toEqual(new Map([...state.tags].sort()));
        expect(new Map(run.data.metrics?.map((metric) => [metric.key, metric.step]))).toEqual(
          new Map([...state.steps].sort()),
        );
      }
      const [found] = await searchRuns(anyUrl(), experiment, { filter: `attributes.run_id = '${run_id}'` });
      expect(found).toEqual(await getRun(anyUrl(), run_id));
    }
    for (const run of runs) {
      for (const [key, step] of wanted.get(run)!.steps)
        expect((await history(anyUrl(), run, key)).at(-1)?.step).toBe(step);
    }
  }

  test('runs whose answers are being prepared while their experiment is deleted are answered as deleted', async () => {
    const random = new Random();
    const experiment_id = await newExperiment(urls[0]!);
    const runs = await everywhere(60, async (url) => {
      const run_id = await newRun(url, experiment_id);
      await post(url, 'runs/update', { run_id, status: 'FINISHED' });
      return run_id;
    });
    for (let round = 0; round < 6 * MUCH; round++) {
      const stage = round % 2 === 0 ? 'deleted' : 'active';
      // Reading a run that has changed makes its server prepare the next answer, a little later.
      await everywhere(3, (url) => searchRuns(url, experiment_id, { run_view_type: 'ALL' }));
      await sleep(15 + random.below(25));
      await post(random.pick(urls), `experiments/${stage === 'deleted' ? 'delete' : 'restore'}`, { experiment_id });
      await sleep(50);
      const read = await everywhere(runs.length, (url, i) => getRun(url, runs[i]!));
      expect(read.filter(({ info }) => info.lifecycle_stage !== stage).map(({ info }) => info.run_id)).toEqual([]);
    }
  });

  test('an experiment that one server deletes takes no run from another', async () => {
    for (let round = 0; round < 5 * MUCH; round++) {
      const experiment_id = await newExperiment(urls[0]!);
      const creating = everywhere(9, (url) => call(url, 'POST', 'runs/create', { experiment_id }));
      await post(urls[1]!, 'experiments/delete', { experiment_id });
      expect((await creating).filter(({ status }) => status !== 200 && status !== 400)).toEqual([]);
      expect(await searchRuns(urls[2]!, experiment_id)).toEqual([]);
      const { experiment } = await get<{ experiment: { lifecycle_stage: string } }>(urls[2]!, 'experiments/get', {
        experiment_id,
      });
      expect(experiment.lifecycle_stage).toBe('deleted');
    }
  });

  test('no server wrote of an incident', () => {
    for (const server of servers) expectNoIncident(server);
  });
});
