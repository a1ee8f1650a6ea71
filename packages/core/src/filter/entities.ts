import { shownSet } from '../text.ts';
import type { FieldType, SearchEntity } from './ast.ts';

/**
 * - `text`: quoted strings.
 * - `id`: quoted integers, compared for identity only.
 * - `number`: any number.
 * - `integer`: whole numbers; `integer-or-text` takes them quoted too.
 */
export type AttributeKind = 'text' | 'id' | 'number' | 'integer' | 'integer-or-text';

export interface Attribute {
  readonly name: string;
  readonly kind: AttributeKind;
}

/** Where MLflow words the same refusal differently from one entity to another. */
interface Wording {
  entityType(prefix: string): string;
  comparator(type: FieldType, key: string, op: string, valid: readonly string[]): string;
  textAttribute(text: string): string;
}

export interface EntityRules {
  /** Field type by the word before the dot. */
  readonly prefixes: ReadonlyMap<string, FieldType>;
  /** Attribute by name and alias. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly wording: Wording;
}

const WORDS: Record<FieldType, readonly string[]> = {
  attribute: ['attribute', 'attributes', 'attr'],
  metric: ['metric', 'metrics'],
  param: ['param', 'params', 'parameter', 'parameters'],
  tag: ['tag', 'tags'],
  dataset: ['dataset', 'datasets'],
};

const prefixes = (types: readonly FieldType[], ...extra: [string, FieldType][]): ReadonlyMap<string, FieldType> =>
  new Map([...types.flatMap((type) => WORDS[type].map((word): [string, FieldType] => [word, type])), ...extra]);

const attributes = (
  kinds: Partial<Record<AttributeKind, readonly string[]>>,
  aliases: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, Attribute> => {
  const all = new Map<string, Attribute>();
  for (const [kind, names] of Object.entries(kinds) as [AttributeKind, readonly string[]][]) {
    for (const name of names) all.set(name, { name, kind });
  }
  for (const [alias, name] of Object.entries(aliases)) all.set(alias, all.get(name)!);
  return all;
};

/** The attributes of a run's dataset inputs. */
export const DATASET_KEYS = ['name', 'digest', 'context'] as const;

const comparator = (_type: FieldType, _key: string, op: string, valid: readonly string[]): string =>
  `Invalid comparator '${op}' not one of '${shownSet(valid)}'`;

const attributeOrTag = (prefix: string): string =>
  `Invalid entity type '${prefix}'. Valid entity types are ('attribute', 'tag', 'tags')`;

const tracking: Wording = {
  entityType: (prefix) =>
    `Invalid entity type '${prefix}'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']`,
  comparator,
  textAttribute: (text) => `Expected a quoted string value for attributes. Got value ${text}`,
};

const registry: Wording = {
  entityType: attributeOrTag,
  comparator: (type, _key, op) =>
    op === 'IN' || op === 'NOT IN'
      ? `Only ['name', 'run_id'] attributes support comparison with a list of quoted string values.`
      : `Invalid comparator for ${type}: ${op}`,
  textAttribute: (text) =>
    `Expected a quoted string value or a list of quoted string values for attributes. Got value ${text}`,
};

export const ENTITY_RULES: Readonly<Record<SearchEntity, EntityRules>> = {
  run: {
    prefixes: prefixes(['attribute', 'metric', 'param', 'tag', 'dataset'], ['run', 'attribute']),
    attributes: attributes(
      {
        text: ['run_id', 'run_name', 'status', 'user_id', 'artifact_uri'],
        number: ['start_time', 'end_time'],
      },
      {
        created: 'start_time',
        Created: 'start_time',
        'run name': 'run_name',
        'Run name': 'run_name',
        'Run Name': 'run_name',
      },
    ),
    wording: tracking,
  },
  experiment: {
    prefixes: prefixes(['attribute', 'tag']),
    attributes: attributes({ id: ['experiment_id'], text: ['name'], integer: ['creation_time', 'last_update_time'] }),
    wording: {
      ...tracking,
      entityType: attributeOrTag,
      comparator: (type, key, op, valid) => {
        if (type === 'tag') return `Invalid comparator for tag: ${op}`;
        return key === 'experiment_id'
          ? `Invalid comparator for experiment_id: ${op}`
          : comparator(type, key, op, valid);
      },
    },
  },
  logged_model: {
    prefixes: prefixes(['attribute', 'metric', 'param', 'tag']),
    attributes: attributes(
      {
        text: ['name', 'model_id', 'model_type', 'status', 'source_run_id'],
        number: ['creation_timestamp', 'last_updated_timestamp'],
      },
      {
        creation_time: 'creation_timestamp',
        creation_timestamp_ms: 'creation_timestamp',
        last_updated_time: 'last_updated_timestamp',
        last_updated_timestamp_ms: 'last_updated_timestamp',
      },
    ),
    wording: {
      ...tracking,
      entityType: (prefix) =>
        `Invalid entity type: '${prefix}'. Expected one of ['attributes', 'metrics', 'params', 'tags'].`,
      comparator: (type, key, op, valid) =>
        `Invalid comparison operator for ${type}s.${key}: '${op}'. Expected one of (${valid.map((v) => `'${v}'`).join(', ')}).`,
    },
  },
  evaluation_dataset: {
    prefixes: prefixes(['attribute', 'tag']),
    attributes: attributes({
      text: ['name', 'created_by', 'last_updated_by'],
      integer: ['created_time', 'last_update_time'],
    }),
    wording: {
      ...tracking,
      entityType: (prefix) => `Invalid identifier token '${prefix}' specified`,
      comparator: (type, _key, op) => `Invalid comparator for ${type === 'tag' ? 'tag' : 'string attribute'}: ${op}`,
    },
  },
  registered_model: {
    prefixes: prefixes(['attribute', 'tag']),
    attributes: attributes({ text: ['name'] }),
    wording: registry,
  },
  model_version: {
    prefixes: prefixes(['attribute', 'tag']),
    attributes: attributes({ text: ['name', 'run_id', 'source_path'], 'integer-or-text': ['version_number'] }),
    wording: registry,
  },
};

/** The canonical attributes that a filter of an entity can name: what its store has to map. */
export const filterAttributes = (entity: SearchEntity): ReadonlyMap<string, AttributeKind> =>
  new Map([...ENTITY_RULES[entity].attributes.values()].map(({ name, kind }) => [name, kind]));
