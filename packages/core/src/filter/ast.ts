export const SEARCH_ENTITIES = [
  'run',
  'experiment',
  'logged_model',
  'evaluation_dataset',
  'registered_model',
  'model_version',
] as const;

export type SearchEntity = (typeof SEARCH_ENTITIES)[number];

export type FieldType = 'attribute' | 'metric' | 'param' | 'tag' | 'dataset';

export interface FilterField {
  readonly type: FieldType;
  /** The key as stored; for an attribute its canonical name after aliases. */
  readonly key: string;
}

export const OPERATORS = [
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'LIKE',
  'ILIKE',
  'NOT LIKE',
  'NOT ILIKE',
  'IN',
  'NOT IN',
  'IS NULL',
  'IS NOT NULL',
] as const;

export type Operator = (typeof OPERATORS)[number];

/**
 * What a field is compared with. A number against a param compares the param as a number (see `paramNumber`).
 * A bigint appears only where an integer exceeds a double's exact range; it always fits int64.
 */
export type FilterValue = string | number | bigint | readonly string[] | null;

export interface CompareNode {
  readonly kind: 'compare';
  readonly field: FilterField;
  readonly op: Operator;
  readonly value: FilterValue;
  /** Zero-based offset of the clause in the filter text, in UTF-16 units. */
  readonly at: number;
}

export interface GroupNode {
  readonly kind: 'and' | 'or';
  /** Two or more, none of the same kind as the group. */
  readonly items: readonly FilterNode[];
}

export interface NotNode {
  readonly kind: 'not';
  readonly item: FilterNode;
}

export type FilterNode = GroupNode | NotNode | CompareNode;
