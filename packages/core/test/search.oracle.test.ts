import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CompareNode,
  type FilterNode,
  matches,
  parseFilter,
  parseLoggedModelOrderBy,
  parseOrderBy,
  SEARCH_ENTITIES,
  type SearchEntity,
} from '../src/index.ts';
import { attempt } from './attempt.ts';
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
