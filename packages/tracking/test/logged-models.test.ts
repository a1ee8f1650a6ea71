import { describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { assembleRun } from '../src/runs/run.commands.ts';
import { type Model, RUN, useModels } from './logged-model-world.ts';

for (const dialect of dialects) {
  describe(`logged models on ${dialect.name}`, () => {
    const { models, ask, ok, create, read, log, search, names } = useModels(dialect);

    it('answers with everything that a model has, in the form of the contract', async () => {
      models.now = 5_000;
      const id = await create({
        name: 'm',
        model_type: 'agent',
        source_run_id: RUN,
        params: [{ key: 'z', value: '1' }, { key: 'a' }],
        tags: [{ key: 't', value: 'old' }],
      });
      models.now = 6_000;
      await ok('PATCH', `/${id}/tags`, {
        tags: [
          { key: 't', value: 'x' },
          { key: 't', value: 'new' },
          { key: 's', value: 'é😀' },
        ],
      });
      await log(id, [{ key: 'loss', value: 0.5, timestamp: 7, step: 3, dataset_name: 'd', dataset_digest: '1' }]);
      await log(id, [{ key: 'acc', value: Number.NaN }]);
      await ok('PATCH', `/${id}`, { model_id: id, status: 'LOGGED_MODEL_READY' });
      expect(await read(id)).toEqual({
        info: {
          model_id: id,
          experiment_id: models.experiment,
          name: 'm',
          creation_timestamp_ms: 5_000,
          last_updated_timestamp_ms: 6_000,
          artifact_uri: `mlflow-artifacts:/${models.experiment}/models/${id}/artifacts`,
          status: 'LOGGED_MODEL_READY',
          model_type: 'agent',
          source_run_id: RUN,
          tags: [
            { key: 's', value: 'é😀' },
            { key: 't', value: 'new' },
          ],
        },
        data: {
          params: [
            { key: 'a', value: '' },
            { key: 'z', value: '1' },
          ],
          metrics: [
            { key: 'acc', value: 'NaN', timestamp: 1, step: 0, model_id: id, run_id: RUN },
            {
              key: 'loss',
              value: 0.5,
              timestamp: 7,
              step: 3,
              dataset_name: 'd',
              dataset_digest: '1',
              model_id: id,
              run_id: RUN,
            },
          ],
        },
      });
    });

    it('gives a new model a name, no type, no run, and leaves out what it has none of', async () => {
      const { model } = await ok<{ model: Model }>('POST', '', { experiment_id: models.experiment });
      expect(model.info.name).toMatch(/^[a-z]+-[a-z]+-\d+$/);
      expect(model.info).toMatchObject({ status: 'LOGGED_MODEL_PENDING', model_type: '', source_run_id: '' });
      expect(model.info).not.toHaveProperty('tags');
      expect(model.data).toEqual({});
    });

    it.each([
      ['an unknown experiment', { experiment_id: '987654321' }, 404, 'No Experiment with id=987654321 exists'],
      ['a name that is a path', { name: 'a/b' }, 400, "Invalid model name ('a/b')"],
      [
        'a param twice',
        { params: [{ key: 'k' }, { key: 'k' }] },
        400,
        "Duplicate parameter keys have been submitted: ['k']",
      ],
      [
        'a key that is too long',
        { tags: [{ key: 'k'.repeat(256) }] },
        400,
        "'tags[0].key' exceeds the maximum length of 255",
      ],
      [
        'a type that is too long',
        { model_type: 'k'.repeat(501) },
        400,
        "'model_type' exceeds the maximum length of 500",
      ],
      [
        'a run id that is too long',
        { source_run_id: 'r'.repeat(257) },
        400,
        "'source_run_id' exceeds the maximum length of 256",
      ],
      ['a NUL', { params: [{ key: 'k', value: '\0' }] }, 400, "'params[0].value'"],
    ])('refuses %s and makes nothing', async (_what, fields, status, message) => {
      const answer = await ask('POST', '', { experiment_id: models.experiment, ...fields });
      expect(answer.status).toBe(status);
      expect((answer.body as { message: string }).message).toContain(message);
      expect(await search({})).toEqual({});
    });

    it('says of every call which model is unknown', async () => {
      const calls: Parameters<typeof ask>[] = [
        ['GET', '/m-0'],
        ['DELETE', '/m-0'],
        ['PATCH', '/m-0', { model_id: 'm-0', status: 2 }],
        ['PATCH', '/m-0/tags', { tags: [] }],
        ['DELETE', '/m-0/tags/k'],
        ['POST', '/m-0/params', { model_id: 'm-0', params: [] }],
      ];
      for (const call of calls) {
        const body = { error_code: 'RESOURCE_DOES_NOT_EXIST', message: "Logged model with ID 'm-0' not found." };
        expect(await ask(...call)).toEqual({ status: 404, body });
      }
    });

    it('takes a param again with its value, and never with another', async () => {
      const id = await create({ name: 'm' });
      const send = (value: string) =>
        ask('POST', `/${id}/params`, {
          model_id: id,
          params: [
            { key: 'new', value },
            { key: 'lr', value },
          ],
        });
      expect((await send('1')).status).toBe(200);
      expect((await send('1')).status).toBe(200);
      const refused = await send('2');
      expect(refused.status).toBe(400);
      expect(refused.body).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' });
      const params = [
        { key: 'lr', value: '1' },
        { key: 'new', value: '1' },
      ];
      expect((await read(id)).data).toEqual({ params });
    });

    it('removes a tag once', async () => {
      const id = await create({ name: 'm', tags: [{ key: 'a b', value: '' }] });
      await ok('DELETE', `/${id}/tags/a%20b`);
      expect(await ask('DELETE', `/${id}/tags/a%20b`)).toMatchObject({
        status: 404,
        body: { message: `No tag with key 'a b' found for model with ID '${id}'.` },
      });
    });

    it('hides a deleted model, shows it to who asks, and deletes it again without complaint', async () => {
      const id = await create({ name: 'm' });
      await ok('DELETE', `/${id}`);
      await ok('DELETE', `/${id}`);
      expect((await ask('GET', `/${id}`)).status).toBe(404);
      expect(await search({})).toEqual({});
      expect(await ok('GET', `/${id}?allow_deleted=TRUE`)).toMatchObject({ model: { info: { model_id: id } } });
    });

    it('refuses a status that is none', async () => {
      const id = await create({ name: 'm' });
      for (const status of ['READY', 9, undefined]) {
        expect((await ask('PATCH', `/${id}`, { model_id: id, status })).status).toBe(400);
      }
      expect((await read(id)).info.status).toBe('LOGGED_MODEL_PENDING');
    });

    it('takes metrics of known models only, whole, and once', async () => {
      const id = await create({ name: 'm' });
      const unknown = [{ key: 'lost' }, { key: 'lost', model_id: 'm-1' }];
      await expect(log(id, unknown)).rejects.toThrow("Logged model with ID 'm-1' not found.");
      await expect(log(id, [{ dataset_name: 'd' }])).rejects.toThrow('Both dataset_name and dataset_digest');
      await expect(log(id, [{ dataset_name: 'd', dataset_digest: 'x'.repeat(37) }])).rejects.toThrow('digest');
      const wide = { key: '😀'.repeat(250), dataset_name: '😀'.repeat(500), dataset_digest: '1' };
      await expect(log(id, [wide])).rejects.toThrow('3000 bytes in UTF-8; they may have at most 2000');
      expect(await read(id)).not.toHaveProperty('data.metrics');
      await log(id, [{ key: 'm' }]);
      await log(id, [{ key: 'm' }]);
      expect((await read(id)).data.metrics).toHaveLength(1);
      expect(await models.world.db.search(assembleRun, RUN)).not.toContain('lost');
    });

    it('sends a long history of metrics whole, alone and among others', async () => {
      const points = 21_000;
      const large = await create({ name: 'large', params: [{ key: 'k', value: 'v' }] });
      for (let start = 0; start < points; start += 1_000) {
        await log(
          large,
          Array.from({ length: 1_000 }, (_, i) => ({ step: start + i, value: start + i })),
        );
      }
      const { metrics = [] } = (await read(large)).data;
      expect(metrics.map(({ value }) => value)).toEqual(Array.from({ length: points }, (_, i) => i));
      models.now += 1;
      const first = await create({ name: 'first' });
      await log(first, [{}]);
      models.now -= 2;
      await create({ name: 'last' });
      const found = await search({});
      expect(names(found)).toEqual(['first', 'large', 'last']);
      expect(found.models!.map(({ data }) => data.metrics?.length)).toEqual([1, points, undefined]);
    });
  });
}
