/** Why this text cannot be stored exactly everywhere, or undefined where it can. */
export function unstorable(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain the NUL character';
  if (!text.isWellFormed()) return 'must be well-formed Unicode without lone surrogates';
  return undefined;
}

/** How many characters of a refused value a message repeats. */
export const MAX_SHOWN = 200;

/** A refused value as the messages of MLflow show it: compact JSON in ASCII, keys sorted, cut to a sane length. */
export function showValue(value: unknown): string {
  const json = compactJson(value, 0);
  return json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN)}…` : json;
}

function compactJson(value: unknown, depth: number): string {
  if (typeof value === 'string') return asciiString(value.slice(0, MAX_SHOWN + 1));
  if (typeof value !== 'object' || value === null) return String(value ?? null);
  if (depth > 8) return '…';
  const shown = (item: unknown): string => compactJson(item, depth + 1);
  if (Array.isArray(value)) return `[${value.slice(0, MAX_SHOWN).map(shown).join(',')}]`;
  const object = value as Record<string, unknown>;
  const keys = Object.keys(object).slice(0, MAX_SHOWN).sort();
  return `{${keys.map((key) => `${asciiString(key)}:${shown(object[key])}`).join(',')}}`;
}

const asciiString = (text: string): string =>
  JSON.stringify(text).replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The name that MLflow's messages give to the type of a JSON value. */
export function typeName(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float';
    default:
      if (value === null || value === undefined) return 'NoneType';
      return Array.isArray(value) ? 'list' : 'dict';
  }
}
