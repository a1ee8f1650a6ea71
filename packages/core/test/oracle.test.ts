import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  appendToUri,
  type CompareNode,
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
  DomainError,
  type FilterNode,
  matches,
  parseExperimentId,
  parseFilter,
  parseLoggedModelOrderBy,
  parseOrderBy,
  SEARCH_ENTITIES,
  type SearchEntity,
  truncateParamValue,
  truncateRunTagValue,
} from '../src/index.ts';
import { isWord } from '../src/text.ts';
import { DEVIATIONS } from './filter-deviations.ts';
import { isExtension, parityFilter, stringLiteral } from './filter-samples.ts';
import { type Answer, Oracle } from './oracle.ts';
import { getter, type World } from './world.ts';

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(process.env.MILLRACE_TEST_RUNS ?? 300);
console.log(`MILLRACE_TEST_SEED=${seed}`);

interface Clause {
  type: string;
  key: string;
  op: string;
  value: string | number | string[] | null;
}

interface Found {
  ids: string[];
  clauses: Clause[];
}

let oracle: Oracle;
let world: World;

beforeAll(async () => {
  oracle = new Oracle();
  world = await oracle.value<World>({ world: true });
});
afterAll(() => oracle?.close());

const attempt = <T>(action: () => T): { ok: T } | { refused: string } => {
  try {
    return { ok: action() };
  } catch (error) {
    if (error instanceof DomainError && error.code === 'INVALID_PARAMETER_VALUE') return { refused: error.message };
    throw error;
  }
};

const conditions = (node: FilterNode | null): readonly CompareNode[] => {
  if (node === null) return [];
  if (node.kind === 'compare') return [node];
  if (node.kind === 'not') return conditions(node.item);
  return node.items.flatMap(conditions);
};

const find = (entity: SearchEntity, node: FilterNode | null): string[] =>
  world[entity].filter((thing) => node === null || matches(node, getter(thing))).map(({ id }) => id);

const normal = (clause: Clause): Clause => ({
  ...clause,
  type: clause.type === 'parameter' ? 'param' : clause.type,
  key: clause.key.replace(/^(creation_timestamp|last_updated_timestamp)_ms$/, '$1'),
});

/** Both sides as one comparable text; a number may travel as text on either. */
const readings = (clauses: readonly Clause[]): string[] =>
  clauses.map(({ type, key, op, value }) =>
    JSON.stringify([type, key, op, Array.isArray(value) ? value : spelled(value)]),
  );

const spelled = (value: string | number | null): string =>
  value === 'inf' ? 'Infinity' : value === '-inf' ? '-Infinity' : String(value);

const ourReadings = (node: FilterNode | null): string[] =>
  readings(
    conditions(node).map(({ field, op, value }) => ({
      ...field,
      op,
      value: typeof value === 'bigint' ? Number(value) : (value as Clause['value']),
    })),
  );

describe('filters', () => {
  for (const entity of SEARCH_ENTITIES) {
    it(`of a ${entity} are taken or refused as MLflow does, and find the same`, { timeout: 600_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(parityFilter(entity), async (filter) => {
          const real: Answer<Found> = await oracle.ask({ entity, filter });
          const ours = attempt(() => parseFilter(entity, filter));
          if (!('ok' in real)) {
            const isAdded = 'ok' in ours && conditions(ours.ok).some((node) => isExtension(entity, node));
            expect('refused' in ours || isAdded, `MLflow: ${JSON.stringify(real)}`).toBe(true);
            return;
          }
          if (!('ok' in ours)) expect.fail(`MLflow takes it; ours: ${ours.refused}`);
          expect(conditions(ours.ok).filter((node) => isExtension(entity, node))).toEqual([]);
          expect(ourReadings(ours.ok)).toEqual(readings(real.ok.clauses.map(normal)));
          expect(find(entity, ours.ok).sort()).toEqual(real.ok.ids.sort());
        }),
        { seed, numRuns: runs },
      );
    });
  }

  it('read quoted strings as MLflow does', async () => {
    await fc.assert(
      fc.asyncProperty(stringLiteral, stringLiteral, async (first, second) => {
        const filter = `params.x = ${first} AND tags.y != ${second}`;
        const real: Answer<Found> = await oracle.ask({ entity: 'run', filter });
        const ours = attempt(() => parseFilter('run', filter));
        expect('ok' in ours, JSON.stringify([real, ours])).toBe('ok' in real);
        if ('ok' in real && 'ok' in ours) {
          expect(ourReadings(ours.ok)).toEqual(readings(real.ok.clauses.map(normal)));
        }
      }),
      { seed, numRuns: 1_000 },
    );
  });

  it.each(DEVIATIONS)('deviate knowingly: $entity $filter', async ({ entity, filter, ours: how }) => {
    const real = await oracle.value<Found>({ entity, filter });
    const ours = attempt(() => parseFilter(entity, filter));
    if (how === 'refuses') {
      expect(ours).toHaveProperty('refused');
    } else {
      if (!('ok' in ours)) expect.fail(ours.refused);
      expect(find(entity, ours.ok).sort()).not.toEqual(real.ids.sort());
    }
  });

  it.each<[SearchEntity, string]>([
    ['run', "foo.x = 'a'"],
    ['run', "foo = 'a'"],
    ['run', "metrics.x = 'a'"],
    ['run', 'tags.x = 5'],
    ['run', 'params.x = abc'],
    ['run', "start_time > '5'"],
    ['run', 'status = 5'],
    ['run', "dataset.foo = 'x'"],
    ['run', 'dataset.name = 5'],
    ['run', 'run_id IN ()'],
    ['run', 'dataset.name IS NULL'],
    ['run', "tags.x > 'a'"],
    ['run', 'metrics.x LIKE 3'],
    ['run', "5 = 'x'"],
    ['run', ' '],
    ['experiment', "metrics.x = 'a'"],
    ['experiment', "foo = 'a'"],
    ['experiment', 'creation_time > 5.5'],
    ['experiment', "experiment_id = 'x'"],
    ['experiment', "experiment_id LIKE '1'"],
    ['experiment', "name > 'x'"],
    ['logged_model', "foo.x = 'a'"],
    ['logged_model', "tags.x > 'a'"],
    ['evaluation_dataset', "foo.x = 'a'"],
    ['evaluation_dataset', "tags.x > 'a'"],
    ['evaluation_dataset', 'created_time > 5.5'],
    ['registered_model', "foo.x = 'a'"],
    ['registered_model', "name > 'a'"],
    ['registered_model', "tags.x > 'a'"],
    ['registered_model', 'name = 5'],
    ['model_version', 'name = 5'],
    ['model_version', "version_number > 'x'"],
    ['model_version', "version_number IN ('1')"],
  ])('refuse in the words of MLflow: %s %s', async (entity, filter) => {
    const real = await oracle.ask({ entity, filter });
    const ours = attempt(() => parseFilter(entity, filter));
    if (!('refused' in real && 'refused' in ours)) expect.fail(JSON.stringify([real, ours]));
    expect(withoutChoices(ours.refused)).toBe(withoutChoices(real.refused));
  });
});

/** A message without our position and without the choices it lists, which are more here. */
const withoutChoices = (message: string): string =>
  message.replace(/ \(at position \d+\)$/, '').replace(/'?[{(][^})]*[})]'?.*$/s, '…');

describe('order_by', () => {
  const clauses = [
    ...[
      'metrics.x',
      'metrics.x DESC',
      'metrics.`a b` asc',
      'metrics."a b"',
      "metrics.'a b'",
      'metrics.a b',
      'metrics.x FOO',
    ],
    ...['params.x', 'tags.mlflow.user DESC', 'start_time', 'Created DESC', 'attributes.`run_name`', 'run.end_time Asc'],
    ...['dataset.name', 'foo', '', '  ', 'metrics.x desc, metrics.y', 'metrics.x;', 'metrics.x DESC DESC', 'Metrics.x'],
    ...['name', 'name DESC', 'attribute.name', 'experiment_id', 'creation_time', 'last_update_time DESC', 'timestamp'],
    ...[
      'timestamp DESC',
      'last_updated_timestamp',
      'version_number DESC',
      'creation_timestamp',
      'created_time DESC',
      'tags.x',
    ],
  ];
  /** Ours takes these prefixes and aliases everywhere. */
  const added = new Set(['registered_model attribute.name', 'evaluation_dataset attribute.name']);
  const entities = SEARCH_ENTITIES.filter((entity) => entity !== 'logged_model');

  it.each(entities.flatMap((entity) => clauses.map((clause) => [entity, clause] as const)))(
    'of a %s is taken or refused as MLflow does: %s',
    async (entity, clause) => {
      const real = await oracle.ask({ entity, order_by: [clause] });
      const ours = attempt(() => parseOrderBy(entity, [clause]));
      if (added.has(`${entity} ${clause}`)) expect(real).not.toHaveProperty('ok');
      else expect('ok' in ours, JSON.stringify([real, ours])).toBe('ok' in real);
    },
  );

  it.each([
    [{ field_name: 'name', ascending: false }],
    [{ field_name: 'creation_time' }],
    [{ field_name: 'metrics.loss' }],
    [{ field_name: 'params.lr' }],
    [{ field_name: 'foo' }],
    [{ field_name: 'metrics.loss', dataset_name: 'data', dataset_digest: 'digest' }],
  ])('of a logged model is taken or refused as MLflow does: %o', async (clause) => {
    const real = await oracle.ask({ entity: 'logged_model', order_by: [clause] });
    const ours = attempt(() => parseLoggedModelOrderBy([clause]));
    expect('ok' in ours, JSON.stringify([real, ours])).toBe('ok' in real);
  });
});

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

  it('of word characters, over all of Unicode that both know', async () => {
    const real = new Set(await oracle.value<number[]>({ call: 'word_characters' }));
    const different = [];
    for (let code = 0; code < 0x110000; code += 1) {
      // Python 3.11 knows Unicode 14; a newer engine knows letters that were added since.
      if (isWord(code) !== real.has(code) && !(isWord(code) && !real.has(code))) different.push(code);
    }
    expect(different).toEqual([]);
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
