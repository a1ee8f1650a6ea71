import { invalid } from './errors.ts';
import type { FieldType, SearchEntity } from './filter/ast.ts';
import { ENTITY_RULES } from './filter/entities.ts';
import { Lexer, refuse, type Token } from './filter/lexer.ts';
import { MAX_ORDER_KEYS } from './limits.ts';
import { checkText, shown, shownSet } from './text.ts';

export interface OrderKey {
  readonly type: Exclude<FieldType, 'dataset'>;
  /** The key as stored; for an attribute its canonical name. */
  readonly key: string;
  readonly ascending: boolean;
}

/** An order by a logged model's metric may ask for its value on one dataset. */
export interface LoggedModelOrderKey extends OrderKey {
  readonly datasetName?: string;
  readonly datasetDigest?: string;
}

/** One clause of a logged model search as it travels. */
export interface LoggedModelOrderClause {
  readonly field_name?: string | undefined;
  readonly ascending?: boolean | undefined;
  readonly dataset_name?: string | undefined;
  readonly dataset_digest?: string | undefined;
}

export interface EntityOrder {
  /** What applies when a search names no order. */
  readonly whenAbsent: readonly OrderKey[];
  /** What makes every order total; the last key is unique. */
  readonly ties: readonly OrderKey[];
}

const by = (key: string, ascending: boolean): OrderKey => ({ type: 'attribute', key, ascending });

/**
 * MLflow's orders, as canonical attribute names; `dataset_id` is the evaluation dataset's own id. In both directions
 * real values come first, then NaN, then missing.
 */
export const DEFAULT_ORDERS: Readonly<Record<SearchEntity, EntityOrder>> = {
  run: { whenAbsent: [], ties: [by('start_time', false), by('run_id', true)] },
  experiment: {
    whenAbsent: [by('creation_time', false), by('experiment_id', true)],
    ties: [by('experiment_id', false)],
  },
  logged_model: { whenAbsent: [], ties: [by('creation_timestamp', false), by('model_id', true)] },
  evaluation_dataset: { whenAbsent: [by('created_time', false)], ties: [by('dataset_id', false)] },
  registered_model: { whenAbsent: [], ties: [by('name', true)] },
  model_version: {
    whenAbsent: [by('last_updated_timestamp', false)],
    ties: [by('name', true), by('version_number', false)],
  },
};

/** Orderable attributes by name and alias. */
const ORDERABLE: Readonly<Record<SearchEntity, ReadonlyMap<string, string>>> = {
  run: new Map([...ENTITY_RULES.run.attributes].map(([name, attribute]) => [name, attribute.name])),
  experiment: new Map(
    ['name', 'experiment_id', 'creation_time', 'last_update_time'].map((name): [string, string] => [name, name]),
  ),
  logged_model: new Map([...ENTITY_RULES.logged_model.attributes].map(([name, attribute]) => [name, attribute.name])),
  evaluation_dataset: new Map(
    ['name', 'created_time', 'last_update_time'].map((name): [string, string] => [name, name]),
  ),
  registered_model: new Map([
    ['name', 'name'],
    ['timestamp', 'last_updated_timestamp'],
    ['last_updated_timestamp', 'last_updated_timestamp'],
  ]),
  model_version: new Map(
    ['name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'].map((name): [string, string] => [
      name,
      name,
    ]),
  ),
};

/** The canonical attributes that an order of an entity can name, tie-breakers included. */
export const orderAttributes = (entity: SearchEntity): ReadonlySet<string> =>
  new Set([...ORDERABLE[entity].values(), ...DEFAULT_ORDERS[entity].ties.map(({ key }) => key)]);

/**
 * Parses `order_by`: `field [ASC|DESC]` a clause.
 * @throws DomainError INVALID_PARAMETER_VALUE, also where a field comes twice.
 */
export const parseOrderBy = (entity: SearchEntity, clauses: readonly string[]): OrderKey[] =>
  distinct(
    clauses,
    clauses.map((clause) => parseClause(entity, clause)),
  );

/** Parses the order of a logged model search, whose clauses are objects. */
export const parseLoggedModelOrderBy = (clauses: readonly LoggedModelOrderClause[]): LoggedModelOrderKey[] =>
  distinct(
    clauses.map((clause) => clause.field_name ?? ''),
    clauses.map(loggedModelKey),
  );

/** The total order of a search: what it asks for, or the default, then the tie-breakers it does not name. */
export const completeOrder = <K extends OrderKey>(entity: SearchEntity, keys: readonly K[]): (K | OrderKey)[] => {
  const { whenAbsent, ties } = DEFAULT_ORDERS[entity];
  const asked = keys.length > 0 ? keys : whenAbsent;
  return [...asked, ...ties.filter((tie) => !asked.some(({ type, key }) => type === 'attribute' && key === tie.key))];
};

const distinct = <K extends LoggedModelOrderKey>(clauses: readonly string[], keys: K[]): K[] => {
  if (keys.length > MAX_ORDER_KEYS) {
    throw invalid(`\`order_by\` has ${keys.length} fields; it may have at most ${MAX_ORDER_KEYS}.`);
  }
  const seen = new Set<string>();
  for (const { type, key, datasetName, datasetDigest } of keys) {
    const identity = JSON.stringify([type, key, datasetName, datasetDigest]);
    if (seen.has(identity)) {
      throw invalid(
        `\`order_by\` contains duplicate fields: [${clauses.map((clause) => `'${shown(clause)}'`).join(', ')}]`,
      );
    }
    seen.add(identity);
  }
  return keys;
};

const parseClause = (entity: SearchEntity, clause: string): OrderKey => {
  checkText('order_by', clause);
  const unreadable = `Invalid order_by clause '${shown(clause)}'. Could not be parsed`;
  const lexer = new Lexer(clause, unreadable);
  const name = lexer.next();
  const direction = lexer.next();
  const isBareString = name.kind === 'string' && name.text.startsWith('"');
  if ((name.kind !== 'name' && !isBareString) || (direction.kind !== 'end' && direction.kind !== 'name')) {
    throw refuse(unreadable, (name.kind === 'name' ? direction : name).at);
  }
  const word = direction.text.toUpperCase();
  if (word !== '' && word !== 'ASC' && word !== 'DESC') {
    throw refuse(`Invalid ordering key in order_by clause '${shown(clause)}'.`, direction.at);
  }
  const rest = direction.kind === 'end' ? direction : lexer.next();
  if (rest.kind !== 'end') throw refuse(unreadable, rest.at);
  return { ...orderField(entity, name), ascending: word !== 'DESC' };
};

const orderField = (entity: SearchEntity, token: Token): Pick<OrderKey, 'type' | 'key'> => {
  const { prefixes, wording } = ENTITY_RULES[entity];
  const type = token.prefix === null ? 'attribute' : prefixes.get(token.prefix);
  if (type === undefined) throw refuse(wording.entityType(shown(token.prefix!)), token.at);
  if (type === 'attribute') return { type, key: attributeKey(entity, token.value, token.at) };
  if (type === 'dataset') throw refuse("Invalid identifier type 'dataset'", token.at);
  if (entity !== 'run' && !(entity === 'logged_model' && type === 'metric')) {
    throw refuse(`Invalid order_by entity: ${type}`, token.at);
  }
  return { type, key: token.value };
};

const attributeKey = (entity: SearchEntity, name: string, at: number): string => {
  const key = ORDERABLE[entity].get(name);
  if (key !== undefined) return key;
  const valid = shownSet(ORDERABLE[entity].keys());
  throw refuse(
    entity === 'registered_model'
      ? `Invalid order by key '${shown(name)}' specified. Valid keys are '${valid}'`
      : `Invalid attribute key '${shown(name)}' specified. Valid keys are '${valid}'`,
    at,
  );
};

const loggedModelKey = (clause: LoggedModelOrderClause): LoggedModelOrderKey => {
  const name = clause.field_name;
  if (name === undefined) throw invalid('`field_name` in the `order_by` clause must be specified.');
  checkText('field_name', name);
  const ascending = clause.ascending ?? true;
  const dot = name.indexOf('.');
  if (clause.dataset_digest && !clause.dataset_name) {
    throw invalid('`dataset_digest` can only be specified if `dataset_name` is also specified.');
  }
  if (dot < 0) {
    const key = ORDERABLE.logged_model.get(name.trim());
    if (key === undefined) throw invalid(`Invalid order by field name: ${shown(name)}.`);
    return { type: 'attribute', key, ascending };
  }
  if (name.slice(0, dot) !== 'metrics') {
    throw invalid(`Invalid order by field name: ${shown(name)}. Only metrics are supported.`);
  }
  return {
    type: 'metric',
    key: name.slice(dot + 1).replace(/^`(.*)`$/s, '$1'),
    ascending,
    ...(clause.dataset_name ? { datasetName: clause.dataset_name } : {}),
    ...(clause.dataset_digest ? { datasetDigest: clause.dataset_digest } : {}),
  };
};
