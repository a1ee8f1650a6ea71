import fc from 'fast-check';
import type { CompareNode, SearchEntity } from '../src/index.ts';

/** Spellings of fields, right and wrong, that MLflow's tokeniser reads as one identifier. */
const FIELDS: Readonly<Record<SearchEntity, readonly string[]>> = {
  run: [
    ...['metrics.loss', 'metric.`val/loss`', 'metrics."acc"', 'metrics.none', "metrics.'loss'"],
    ...['params.lr', 'param.opt', 'parameters.`a/b`', 'params."a b"', 'parameter.a.b', 'params.n', 'params.text'],
    ...['tags.team', 'tag.`a b`', 'tags.x.y', 'tags.mlflow.runName', '`tags`.team', 'params.1x', 'params.é'],
    ...['attributes.status', 'attr.run_name', 'run.start_time', 'attribute.`run_id`', 'status', 'run_id', 'user_id'],
    ...['artifact_uri', 'start_time', 'end_time', 'created', 'Created', '`Run Name`', '"run name"', 'run_name'],
    ...['dataset.name', 'datasets.digest', 'dataset.context', 'dataset.`name`', 'dataset.profile'],
    ...['foo', 'foo.bar', 'metrics', 'Params.lr', 'Status', 'experiment_id', 'attributes.foo', 'lifecycle_stage'],
  ],
  experiment: [
    ...['name', 'attribute.name', '`name`', 'experiment_id', 'creation_time', 'last_update_time', 'attribute.`name`'],
    ...['tags.team', 'tag.`a b`', 'tags.x.y', 'metrics.loss', 'params.lr', 'foo', 'Name'],
  ],
  logged_model: [
    ...['name', 'attributes.name', 'model_id', 'model_type', 'source_run_id', 'creation_timestamp', 'creation_time'],
    ...['last_updated_timestamp', 'metrics.loss', 'metrics.`val/loss`', 'params.lr', 'params.`a b`', 'params.opt'],
    ...['params.a.b', 'tags.team', 'tags.x.y', 'foo.bar', 'dataset.name'],
  ],
  evaluation_dataset: [
    ...['name', 'created_time', 'last_update_time', 'created_by', 'last_updated_by', 'tags.team', 'tags.x.y'],
    ...['foo', 'metrics.loss', 'params.lr'],
  ],
  registered_model: ['name', 'attribute.name', 'tags.team', 'tag.`a b`', 'tags."x.y"', 'metrics.x', 'foo', 'version'],
  model_version: [
    ...['name', 'attribute.name', 'run_id', 'source_path', 'version_number', 'tags.team', 'tag.`a b`', 'tags.x.y'],
    ...['metrics.x', 'foo', 'creation_timestamp'],
  ],
};

const SYMBOLS = ['=', '!=', '<', '<=', '>', '>=', '==', '!<', '=>'];
const WORDS = ['LIKE', 'ILIKE', 'RLIKE', 'NOT LIKE', 'NOT ILIKE', 'IN', 'NOT IN'];
const STRINGS = [
  ...["'adam'", '"adam"', "'Adam'", "'a%'", "'%A%'", "'_dam'", "'100%'", "'é\\_%'", "'0.1'", "'it''s'", '"it\'\'s"'],
  ...["'C:\\data\\'", "'red'", "''", '""', "'re_d'", "'RUNNING'", "'finished'", "'data0'", "'Test'", "'%digest_'"],
  ...[
    "'alpha'",
    "'1'",
    "'2'",
    "'net'",
    "'s3://bucket/%'",
    "'model1'",
    "'Agent'",
    "'run1'",
    "'set_1'",
    "'run_1'",
    "'ann'",
  ],
];
const NUMBERS = ['0', '1', '-3', '0.5', '-0.25', '.5', '5.', '1e300', '1E-5', '1001', '2003', '1.5', '10', '-1e400'];
const LISTS = [
  "('adam')",
  '(\'adam\', "red")',
  "('1','2')",
  "('net', 'Net')",
  "('a\\'b',)",
  "('data0')",
  '()',
  '(1, 2)',
  "('a', 1)",
];
const OTHERS = ['adam', '`adam`', 'NULL', 'nan', '1_000', 'params.lr'];

const anyValue = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...STRINGS) },
  { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 2, arbitrary: fc.constantFrom(...LISTS) },
  { weight: 1, arbitrary: fc.constantFrom(...OTHERS) },
);
const space = fc.constantFrom('', ' ', '  ', '\n', '\t');

/** Keeps a generator off what the list of deviations holds. */
const valueFor = (entity: SearchEntity, field: string): fc.Arbitrary<string> => {
  if (entity !== 'logged_model') return anyValue;
  if (/metric|time/.test(field)) return fc.constantFrom(...NUMBERS, ...STRINGS);
  return fc.constantFrom(...STRINGS.filter((text) => text.startsWith("'")), ...LISTS.slice(0, 6));
};

const symbolsFor = (entity: SearchEntity, field: string): readonly string[] =>
  entity === 'evaluation_dataset' && !field.includes('time') ? ['=', '!=', '=='] : SYMBOLS;

const wordsFor = (entity: SearchEntity): readonly string[] =>
  entity === 'evaluation_dataset' ? WORDS.filter((word) => word !== 'RLIKE') : WORDS;

interface Clause {
  readonly text: string;
  /** MLflow reads the clause right only behind an AND. */
  readonly needsAnd: boolean;
}

/** One clause in MLflow's own grammar, right or wrong in its field, operator and value. */
const clause = (entity: SearchEntity): fc.Arbitrary<Clause> => {
  // Two of MLflow's parsers let words in small letters fall through.
  const folds = entity !== 'experiment' && entity !== 'evaluation_dataset';
  const word = fc
    .tuple(fc.constantFrom(...wordsFor(entity)), fc.boolean())
    .map(([w, low]) => (low && folds ? w.toLowerCase() : w));
  return fc.constantFrom(...FIELDS[entity]).chain((field) => {
    const value = valueFor(entity, field);
    const symbol = fc.constantFrom(...symbolsFor(entity, field));
    return fc.oneof(
      {
        weight: 5,
        arbitrary: fc
          .tuple(space, symbol, space, value)
          .map((parts) => ({ text: field + parts.join(''), needsAnd: false })),
      },
      {
        weight: 4,
        arbitrary: fc.tuple(word, value).map((parts) => ({ text: [field, ...parts].join(' '), needsAnd: true })),
      },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom('IS NULL', 'IS NOT NULL', 'is null')
          .map((presence) => ({ text: `${field} ${presence}`, needsAnd: true })),
      },
    );
  });
};

const joint = fc.constantFrom(' AND ', ' and ', '\nAnd\t', ' AND AND ', ' ');

/** A filter in MLflow's own grammar. */
export const parityFilter = (entity: SearchEntity): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(fc.tuple(joint, clause(entity)), { minLength: 1, maxLength: 3 }),
      fc.constantFrom('', ' ', ' AND', ' and '),
    )
    .map(([clauses, tail]) => {
      const [[, first], ...rest] = clauses as [[string, Clause], ...[string, Clause][]];
      const others = rest.map(([and, { text, needsAnd }]) => (needsAnd && and === ' ' ? ' AND ' : and) + text);
      return first.text + others.join('') + tail;
    });

/** Text around the tokeniser's edges: quotes, backslashes and all that may stand beside them. */
export const stringLiteral: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom("'", '"'),
    fc.array(fc.constantFrom('a', "'", '"', '\\', '`', '%', ' ', 'é', '\n', ';', '--', '(', ' AND '), { maxLength: 6 }),
  )
  .map(([quote, parts]) => quote + parts.join('') + quote);

/** What our language adds to MLflow's for a condition on its own. */
export const isExtension = (entity: SearchEntity, { field, op, value: given }: CompareNode): boolean => {
  switch (op) {
    case 'NOT LIKE':
    case 'NOT ILIKE':
      return true;
    case 'IN':
    case 'NOT IN':
      return !takesLists(entity, field.type, field.key) || (entity === 'evaluation_dataset' && op === 'NOT IN');
    case 'IS NULL':
    case 'IS NOT NULL':
      return entity === 'run'
        ? field.type !== 'tag' && field.type !== 'param'
        : entity !== 'experiment' || field.type !== 'tag';
    default:
      return field.type === 'param' && typeof given === 'number';
  }
};

const takesLists = (entity: SearchEntity, type: string, key: string): boolean => {
  if (entity === 'logged_model' || type === 'dataset') return true;
  const keys = { run: ['run_id'], experiment: ['experiment_id'], model_version: ['name', 'run_id'] };
  return type === 'attribute' && (entity in keys ? keys[entity as keyof typeof keys] : ['name']).includes(key);
};
