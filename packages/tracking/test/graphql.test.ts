import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects } from '../../../tools/testkit/index.ts';
import { type Api, openApi } from './api.ts';

interface Result {
  readonly data: Record<string, unknown> | null;
  readonly errors: readonly string[] | null;
}

/** As the run page of MLflow's own UI asks. */
const RUN_PAGE = `
  query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
    mlflowGetRun(input: $data) {
      apiError { helpUrl code message }
      run {
        info { runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId }
        experiment { experimentId name tags { key value } artifactLocation lifecycleStage lastUpdateTime }
        ...Logged
        modelVersions { status version name source }
        outputs { modelOutputs { modelId step } }
        inputs { datasetInputs { dataset { digest name profile schema source sourceType } tags { key value } } modelInputs { modelId } }
      }
    }
  }
  fragment Logged on MlflowRunExtension {
    data {
      metrics { ... on MlflowMetricExtension { key value step timestamp } }
      params { __typename ... on MlflowParam { key value } }
      tags { key value }
    }
  }`;

// One translation for both databases: the operations behind it have tests of their own.
describe('graphql', () => {
  let api: Api;
  let runId: string;
  beforeAll(async () => {
    api = await openApi(dialects[0]!);
    const { run } = await api.ok(
      api.post<{ run: { info: { run_id: string } } }>('runs/create', {
        experiment_id: '0',
        run_name: 'n',
        start_time: 5,
      }),
    );
    runId = run.info.run_id;
    const metric = '{"key":"m","value":"NaN","timestamp":9007199254740993,"step":-2}';
    await api.ok(
      api.post('runs/log-batch', `{"run_id":"${runId}","metrics":[${metric}],"params":[{"key":"p","value":"1"}]}`),
    );
    const dataset = { name: 'd', digest: '1', source_type: 's', source: '{}' };
    await api.ok(
      api.post('runs/log-inputs', { run_id: runId, datasets: [{ dataset, tags: [{ key: 'k', value: 'v' }] }] }),
    );
  });
  afterAll(() => api?.close());

  const ask = async (query: string, variables?: object) => {
    const { status, body } = await api.post<Result>('/graphql', { query, variables });
    expect(status).toBe(200);
    return body;
  };
  const refused = async (body: object) => {
    const answer = await api.post('/graphql', body);
    expect([answer.status, answer.body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
    return answer.body.message;
  };

  it("answers the run page of MLflow's UI", async () => {
    expect(await ask(RUN_PAGE, { data: { runId } })).toEqual({
      errors: null,
      data: {
        mlflowGetRun: {
          apiError: null,
          run: {
            info: {
              runName: 'n',
              status: 'RUNNING',
              runUuid: runId,
              experimentId: '0',
              artifactUri: `mlflow-artifacts:/0/${runId}/artifacts`,
              endTime: null,
              lifecycleStage: 'active',
              startTime: '5',
              userId: '',
            },
            experiment: {
              experimentId: '0',
              name: 'Default',
              tags: [],
              artifactLocation: 'mlflow-artifacts:/0',
              lifecycleStage: 'active',
              lastUpdateTime: '0',
            },
            data: {
              metrics: [{ key: 'm', value: null, step: '-2', timestamp: '9007199254740993' }],
              params: [{ __typename: 'MlflowParam', key: 'p', value: '1' }],
              tags: [{ key: 'mlflow.runName', value: 'n' }],
            },
            modelVersions: [],
            outputs: { modelOutputs: [] },
            inputs: {
              datasetInputs: [
                {
                  dataset: { digest: '1', name: 'd', profile: null, schema: null, source: '{}', sourceType: 's' },
                  tags: [{ key: 'k', value: 'v' }],
                },
              ],
              modelInputs: [],
            },
          },
        },
      },
    });
  });

  it('takes lists as the variables of existing queries spell them, and searches as mutations', async () => {
    const history = await ask(
      `query ($runIds: [String], $max: Int) {
        mlflowGetMetricHistoryBulkInterval(input: { runIds: $runIds, metricKey: "m", maxResults: $max }) {
          metrics { __typename runId step }
        }
      }`,
      { runIds: [runId], max: 10 },
    );
    const metrics = [{ __typename: 'MlflowMetricWithRunId', runId, step: '-2' }];
    expect(history).toEqual({ data: { mlflowGetMetricHistoryBulkInterval: { metrics } }, errors: null });
    const search = `mutation ($data: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $data) { runs { info { runId } } } }`;
    const { data } = await ask(search, { data: { experimentIds: ['0'], runViewType: 'ACTIVE_ONLY', maxResults: 1 } });
    expect(data).toEqual({ mlflowSearchRuns: { runs: [{ info: { runId } }] } });
  });

  it('says what is wrong as a list of sentences', async () => {
    expect(await ask('{ mlflowGetRun(input: { runId: "nope" }) { run { info { runId } } } }')).toEqual({
      data: { mlflowGetRun: null },
      errors: ['Run with id=nope not found'],
    });
    const unknown = await ask('{ nope }');
    expect(unknown.data).toBeNull();
    expect(unknown.errors).toEqual([expect.stringMatching(/^Cannot query field .nope. on type/)]);
    const unfinished = await ask('{');
    expect([unfinished.data, unfinished.errors?.length]).toEqual([null, 1]);
    const mixed = await ask(
      `{ test(inputString: "x") { output } mlflowGetExperiment(input: { experimentId: "98" }) { experiment { name } } }`,
    );
    expect(mixed).toEqual({
      data: { test: { output: 'x' }, mlflowGetExperiment: null },
      errors: ['No Experiment with id=98 exists'],
    });
    const { errors } = await ask('{ mlflowSearchModelVersions(input: {}) { nextPageToken } }');
    expect(errors).toEqual([expect.stringContaining('not available')]);
  });

  it('bounds what one query may ask for', async () => {
    const nested = (depth: number, leaf: string): string => (depth === 0 ? leaf : `{ a ${nested(depth - 1, leaf)} }`);
    expect(await refused({ query: `query ${nested(11, '')}` })).toMatch(/deeper than 10/);
    const fields = Array.from({ length: 1_001 }, (_, i) => `f${i}: output`).join(' ');
    expect(await refused({ query: `{ test { ${fields} } }` })).toMatch(/more than 1000/);
    const roots = Array.from({ length: 11 }, (_, i) => `t${i}: test { output }`).join(' ');
    expect(await refused({ query: `{ ${roots} }` })).toMatch(/more than 10 root/);
    const half = 'fragment F on Query { test { output } ...G } fragment G on Query { test { output } ...F }';
    expect(await refused({ query: `{ ...F } ${half}` })).toMatch(/contains itself/);
    const bomb = Array.from(
      { length: 12 },
      (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} ...F${i + 1} }`,
    );
    expect(await refused({ query: `{ ...F0 } ${bomb.join(' ')} fragment F12 on Query { test { output } }` })).toMatch(
      /more than/,
    );
    expect(await refused({ query: `{ test { output } } #${'x'.repeat(100_000)}` })).toMatch(/at most 100000/);
    expect(await refused({})).toMatch(/'query'/);
    expect(await refused({ query: '{ test { output } }', variables: [1] })).toMatch(/JSON object/);
  });
});
