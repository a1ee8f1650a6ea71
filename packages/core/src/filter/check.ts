import { shown, shownSet } from '../text.ts';
import { parseExperimentId } from '../validation.ts';
import type { FilterField, FilterValue, Operator, SearchEntity } from './ast.ts';
import { type AttributeKind, DATASET_KEYS, ENTITY_RULES, type EntityRules } from './entities.ts';
import { refuse, type Token } from './lexer.ts';

const EQUALITY: readonly Operator[] = ['=', '!='];
const ORDER: readonly Operator[] = ['=', '!=', '<', '<=', '>', '>='];
const PATTERN: readonly Operator[] = ['LIKE', 'ILIKE', 'NOT LIKE', 'NOT ILIKE'];
const LIST: readonly Operator[] = ['IN', 'NOT IN'];
const PRESENCE: readonly Operator[] = ['IS NULL', 'IS NOT NULL'];
const TEXT: readonly Operator[] = [...EQUALITY, ...PATTERN, ...LIST];

const INT64_MAX = 2n ** 63n - 1n;
const INTEGER = /^-?\d+$/;

export interface CheckedField extends FilterField {
  /** How values of the field compare; keyed fields are `text` or `number`. */
  readonly compares: AttributeKind;
}

/** The word that MLflow's messages use for a field type. */
const word = (field: FilterField): string => (field.type === 'param' ? 'parameter' : field.type);

export class Checker {
  readonly #rules: EntityRules;

  constructor(entity: SearchEntity) {
    this.#rules = ENTITY_RULES[entity];
  }

  field(token: Token): CheckedField {
    const type = token.prefix === null ? 'attribute' : this.#rules.prefixes.get(token.prefix);
    if (type === undefined) throw refuse(this.#rules.wording.entityType(shown(token.prefix!)), token.at);
    const key = token.value;
    if (type === 'attribute') {
      const attribute = this.#rules.attributes.get(key);
      if (attribute === undefined) {
        const valid = shownSet(this.#rules.attributes.keys());
        throw refuse(`Invalid attribute key '${shown(key)}' specified. Valid keys are '${valid}'`, token.at);
      }
      return { type, key: attribute.name, compares: attribute.kind };
    }
    if (type === 'dataset' && !DATASET_KEYS.some((known) => known === key)) {
      throw refuse(
        `Invalid dataset key '${shown(key)}' specified. Valid keys are '${shownSet(DATASET_KEYS)}'`,
        token.at,
      );
    }
    return { type, key, compares: type === 'metric' ? 'number' : 'text' };
  }

  /** Refuses an operator that no kind of value makes valid for the field. */
  operator(field: CheckedField, op: string, at: number): Operator {
    const valid = this.#valid(field);
    const known = valid.find((candidate) => candidate === op);
    if (known !== undefined) return known;
    if (field.type === 'dataset' && (op === 'IS NULL' || op === 'IS NOT NULL')) {
      throw refuse(`IS NULL / IS NOT NULL is only supported for tags and params, not for 'dataset' '${field.key}'`, at);
    }
    throw refuse(this.#rules.wording.comparator(field.type, field.key, shown(op), valid), at);
  }

  #valid(field: CheckedField): readonly Operator[] {
    if (field.compares === 'id') return [...EQUALITY, ...LIST];
    if (field.compares !== 'text') return [...ORDER, ...PRESENCE];
    if (field.type === 'dataset') return TEXT;
    return field.type === 'param' ? [...ORDER, ...PATTERN, ...LIST, ...PRESENCE] : [...TEXT, ...PRESENCE];
  }

  /** The single value after an operator that takes one. */
  value(field: CheckedField, op: Operator, token: Token): FilterValue {
    if (field.compares === 'number') return this.#number(field, token);
    if (field.compares === 'integer' || field.compares === 'integer-or-text') return this.#integer(field, token);
    if (token.kind === 'number' && field.type === 'param' && ORDER.includes(op)) return Number(token.text);
    const text = this.#text(field, token);
    if (field.type === 'param' && ORDER.includes(op) && !EQUALITY.includes(op)) {
      throw refuse(`Invalid comparator '${op}' for a quoted string; it compares a param with a number`, token.at);
    }
    return field.compares === 'id' ? experimentId(text, token.at) : text;
  }

  listItem(field: CheckedField, text: string, at: number): string {
    return field.compares === 'id' ? experimentId(text, at) : text;
  }

  #text(field: CheckedField, token: Token): string {
    if (token.kind === 'string') return token.value;
    const found = shown(token.text);
    if (token.kind === 'name' && token.text.toUpperCase() !== 'NULL') {
      throw refuse(
        `Parameter value is either not quoted or unidentified quote types used for string value ${found}. Use either single or double quotes.`,
        token.at,
      );
    }
    if (field.type === 'attribute') {
      if (token.kind === 'number' && this.#integers().length > 0) {
        throw refuse(
          `Only the '${shownSet(this.#integers())}' attributes support comparison with numeric values.`,
          token.at,
        );
      }
      throw refuse(this.#rules.wording.textAttribute(found), token.at);
    }
    if (field.type === 'dataset') {
      throw refuse(`Expected a quoted string value for dataset attributes. Got value ${found}`, token.at);
    }
    throw refuse(`Expected a quoted string value for ${word(field)} (e.g. 'my-value'). Got value ${found}`, token.at);
  }

  /** The attributes of a registry entity that take numbers. */
  #integers(): string[] {
    return [...this.#rules.attributes].flatMap(([name, { kind }]) => (kind === 'integer-or-text' ? [name] : []));
  }

  #number(field: CheckedField, token: Token): number | bigint {
    if (token.kind !== 'number') {
      const what = field.type === 'metric' ? 'metric' : `numeric attribute: ${field.key}`;
      throw refuse(`Expected numeric value type for ${what}. Found ${shown(token.text)}`, token.at);
    }
    return field.type === 'attribute' && INTEGER.test(token.text)
      ? int64(field, token.text, token.at)
      : Number(token.text);
  }

  #integer(field: CheckedField, token: Token): number | bigint {
    const quoted = field.compares === 'integer-or-text' && token.kind === 'string';
    if (!quoted && token.kind !== 'number') {
      throw refuse(
        `Expected numeric value type for numeric attribute: ${field.key}. Found ${shown(token.text)}`,
        token.at,
      );
    }
    const text = quoted ? token.value.trim() : token.text;
    if (!INTEGER.test(text)) {
      throw refuse(`Invalid value for numeric attribute '${field.key}': '${shown(text)}'`, token.at);
    }
    return int64(field, text, token.at);
  }
}

const int64 = (field: CheckedField, text: string, at: number): number | bigint => {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  // Twenty characters hold any int64; a longer run of digits is not worth parsing.
  const exact = text.length > 20 ? null : BigInt(text);
  if (exact === null || exact > INT64_MAX || exact < -INT64_MAX - 1n) {
    throw refuse(`Invalid value for numeric attribute '${field.key}': ${shown(text)} is not a 64-bit integer`, at);
  }
  return exact;
};

/** The canonical id, refused with its place. */
const experimentId = (text: string, at: number): string => {
  try {
    return parseExperimentId(text);
  } catch (error) {
    throw refuse((error as Error).message, at);
  }
};
