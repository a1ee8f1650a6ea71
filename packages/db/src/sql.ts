/** Values that both databases store. Booleans travel as 0 and 1. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** A piece of SQL with its parameters; pieces nest, so that a query is built without ever quoting a value into text. */
export interface Sql {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

const isSql = (value: unknown): value is Sql => typeof value === 'object' && value !== null && 'text' in value;

/** Tagged template: nested `Sql` is spliced in, everything else becomes a `?` parameter. */
export function sql(strings: TemplateStringsArray, ...values: readonly (Sql | SqlValue)[]): Sql {
  let text = strings[0]!;
  const params: SqlValue[] = [];
  values.forEach((value, i) => {
    if (isSql(value)) {
      text += value.text;
      for (const param of value.params) params.push(param);
    } else {
      text += '?';
      params.push(value);
    }
    text += strings[i + 1]!;
  });
  return { text, params };
}

/** Text that the program wrote itself (a column, a keyword): never anything that a client sent. */
export const raw = (text: string): Sql => ({ text, params: [] });

export const empty: Sql = raw('');

export function join(pieces: readonly Sql[], separator: string): Sql {
  const params: SqlValue[] = [];
  for (const piece of pieces) for (const param of piece.params) params.push(param);
  return { text: pieces.map((piece) => piece.text).join(separator), params };
}

/** `(?, ?, …)`; an empty list matches nothing. */
export function list(values: readonly SqlValue[]): Sql {
  if (values.length === 0) return raw('(NULL)');
  return { text: `(${Array(values.length).fill('?').join(', ')})`, params: values };
}
