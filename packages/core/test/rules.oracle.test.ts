import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  appendToUri,
  checkArtifactLocation,
  checkBatchSize,
  checkExperimentName,
  checkExperimentTag,
  checkLoggedModelName,
  checkMetricKey,
  checkMetricTimestamp,
  checkModelAlias,
  checkModelAliasNotReserved,
  checkModelVersionTag,
  checkParamKey,
  checkParamKeysUnique,
  checkRegisteredModelName,
  checkRegisteredModelTag,
  checkRunId,
  checkTagKey,
  parseExperimentId,
  truncateParamValue,
  truncateRunTagValue,
} from '../src/index.ts';
import { isWord } from '../src/text.ts';
import { attempt } from './attempt.ts';
import { Oracle } from './oracle.ts';

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`MILLRACE_TEST_SEED=${seed}`);

let oracle: Oracle;

beforeAll(() => {
  oracle = new Oracle();
});
afterAll(() => oracle?.close());

describe('validation says what MLflow says', () => {
  const checks = {
    metric_key: (key: string) => checkMetricKey(key),
    batch_metric_key: (key: string) => checkMetricKey(key, 3),
    param: (key: string, value: string) => {
      checkParamKey(key);
      return truncateParamValue(value);
    },
    batch_param: (key: string, value: string) => {
      checkParamKey(key, 3);
      return truncateParamValue(value);
    },
    tag: (key: string, value: string) => {
      checkTagKey(key);
      return truncateRunTagValue(value);
    },
    batch_tag: (key: string, value: string) => {
      checkTagKey(key, 3);
      return truncateRunTagValue(value);
    },
    run_id: (id: string) => checkRunId(id),
    experiment_id: (id: string) => parseExperimentId(id),
    experiment_name: (name: string) => checkExperimentName(name),
    experiment_tag: (key: string, value: string) => checkExperimentTag(key, value),
    registered_model_name: (name: string) => checkRegisteredModelName(name),
    registered_model_tag: (key: string, value: string) => checkRegisteredModelTag(key, value),
    model_version_tag: (key: string, value: string) => checkModelVersionTag(key, value),
    alias: (name: string) => {
      checkModelAlias(name);
      checkModelAliasNotReserved(name);
    },
    logged_model_name: (name: string) => checkLoggedModelName(name),
  };
  const same = async (call: keyof typeof checks, args: string[]) => {
    const real = await oracle.ask({ call, args });
    const check = checks[call] as (...given: string[]) => unknown;
    const ours = attempt(() => check(...args) ?? null);
    expect('refused' in ours ? ours.refused : ours).toEqual('refused' in real ? real.refused : real);
  };
  const names = [
    ...[
      'loss',
      'train/loss',
      'a b',
      'a:b',
      'a.b-c_d',
      'é',
      '损失',
      '𝒳',
      '١',
      '',
      '.',
      '..',
      '..a',
      '.a',
      './a',
      'a/',
      '/a',
    ],
    ...[
      '//a',
      '///a',
      'a//b',
      'a/../b',
      'a/./b',
      '../a',
      'a/..',
      'a\n',
      'a\n\n',
      '\n',
      'a$',
      'a@b',
      'a"b',
      "a'b",
      'a\\b',
      'a\tb',
    ],
    ...[
      'a\u007f',
      '\u0301',
      'x'.repeat(250),
      'x'.repeat(251),
      '𝒳'.repeat(250),
      '𝒳'.repeat(251),
      `${'x/'.repeat(130)}x`,
    ],
    ...['latest', 'Latest', 'v1', 'V22', 'v', 'v1a', 'v١', '5', ' 5', '+5', '-1', '5.0', 'abc', ' ', 'm%'],
  ];
  const single = [
    'metric_key',
    'batch_metric_key',
    'run_id',
    'experiment_name',
    'registered_model_name',
    'alias',
    'logged_model_name',
  ] as const;
  const pairs = [
    'param',
    'batch_param',
    'tag',
    'batch_tag',
    'experiment_tag',
    'registered_model_tag',
    'model_version_tag',
  ] as const;

  for (const call of single) {
    it(`of ${call}`, async () => {
      for (const name of names) await same(call, [name]);
    });
  }

  for (const call of pairs) {
    it(`of ${call}`, async () => {
      for (const name of names) await same(call, [name, 'value']);
      for (const length of [6_000, 6_001, 8_000, 8_001, 20_000, 20_001, 100_000, 100_001]) {
        await same(call, ['key', '𝒳'.repeat(length)]);
      }
    });
  }

  it('of experiment ids', async () => {
    for (const id of ['5', ' 5', '+5', '-1', '007', '5.0', 'abc', '', '0x5', '5 5']) await same('experiment_id', [id]);
  });

  it('of names that fast-check makes', async () => {
    const characters = fc.constantFrom('a', '/', '.', '-', ' ', ':', '_', 'é', '\n', '$', '𝒳');
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: characters, maxLength: 6 }),
        fc.constantFrom(...single),
        async (name, call) => {
          await same(call, [name]);
        },
      ),
      { seed, numRuns: 2_000 },
    );
  });

  it('of batches, repeated params and times', async () => {
    for (const args of [
      [1000, 0, 0],
      [1001, 0, 0],
      [0, 101, 0],
      [0, 0, 101],
      [950, 50, 1],
    ] as [number, number, number][]) {
      const real = await oracle.ask({ call: 'batch_size', args });
      const ours = attempt(() => checkBatchSize(...args) ?? null);
      expect('refused' in ours ? ours.refused : ours).toEqual('refused' in real ? real.refused : real);
    }
    for (const keys of [
      ['a', 'b'],
      ['a', 'b', 'a', "it's", "it's", 'a'],
    ]) {
      const real = await oracle.ask({ call: 'param_keys', args: [keys] });
      const ours = attempt(() => checkParamKeysUnique(keys) ?? null);
      expect('refused' in ours ? ours.refused : ours).toEqual('refused' in real ? real.refused : real);
    }
    const real = await oracle.ask({ call: 'metric_timestamp', args: [-1] });
    const ours = attempt(() => checkMetricTimestamp('m', 1.5, -1n));
    expect('refused' in ours && ours.refused).toBe('refused' in real && real.refused);
  });

  it('of word characters, over all of Unicode that its Python knows', async () => {
    const real = new Set(await oracle.value<number[]>({ call: 'word_characters' }));
    const different = [];
    for (let code = 0; code < 0x110000; code += 1) if (isWord(code) !== real.has(code)) different.push(code);
    expect(await oracle.value<number[]>({ call: 'assigned', args: [different] })).toEqual([]);
  });
});

describe('artifact locations', () => {
  it.each([
    ...['s3://bucket/a', 's3://bucket/a?x=1', 's3://bucket/a#b', 's3://bucket/a?x=../b', 's3://bucket/a?x=%2e%2e/b'],
    ...[
      's3://bucket/a?x=%252e%252e',
      'runs:/1/a',
      'runs:/',
      'http://host/a',
      'https://host/a',
      'ftp://host/a',
      'sftp://host',
    ],
    ...['hdfs://host/a', 'viewfs://host/a', 'mlflow-artifacts:/a', 'mlflow-artifacts://host/a', 'r2://b@host/a'],
    ...[
      'b2://b@host/a',
      'abfss://fs@account.dfs/a',
      'wasbs://c@a.blob.core.windows.net/a',
      'gs://bucket/a;b',
      'dbfs:/a',
    ],
    ...['HTTP://host/a', `s3://bucket/${'a'.repeat(2_040)}`],
  ])('are taken or refused as MLflow does: %s', async (location) => {
    const real = await oracle.ask({ call: 'location', args: [location] });
    const ours = attempt(() => checkArtifactLocation(location) ?? null);
    expect('ok' in ours, JSON.stringify([real, ours])).toBe('ok' in real);
    if ('refused' in real && 'refused' in ours) expect(real.refused).toContain(ours.refused);
  });

  it.each([
    ...[
      's3://bucket',
      's3://bucket/',
      's3://bucket/a',
      's3://bucket/a/?x=1&y=2',
      'mlflow-artifacts:/',
      'mlflow-artifacts:/1',
    ],
    ...[
      'mlflow-artifacts://host:80/a',
      'file:///a/b',
      'file:rel',
      '/a/b',
      'a/b',
      'a?b',
      'dbfs:/a',
      'wasbs://c@h/a?sig=%2F',
    ],
  ])('are extended as MLflow does: %s', async (uri) => {
    for (const paths of [['x'], ['/x/y'], ['x', 'artifacts'], ['é b/%20']]) {
      expect(appendToUri(uri, ...paths)).toBe(await oracle.value({ call: 'append', args: [uri, ...paths] }));
    }
  });
});
