import { type DomainError, invalid } from '@millrace/core';
import { compareText } from '../search/page.ts';

/**
 * JSON as Python's json module reads and writes it: NaN and infinities are numbers, 1 and 1.0 are two values, integers have
 * any size, and keys keep their order. Numbers are held as Python prints them.
 */
export type PythonJson =
  | { readonly kind: 'object'; readonly entries: ReadonlyMap<string, PythonJson> }
  | { readonly kind: 'array'; readonly items: readonly PythonJson[] }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'integer' | 'float' | 'boolean' | 'null'; readonly text: string };

const MAX_NESTING = 100;

/** @throws DomainError INVALID_PARAMETER_VALUE with the place in the text, counted from 1. */
export function parsePythonJson(field: string, text: string): PythonJson {
  const reader = new Reader(field, text);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** The items of an array one by one, so that whoever reads a long one can do other work in between. */
export function* pythonJsonItems(field: string, text: string): Generator<PythonJson> {
  const reader = new Reader(field, text);
  if (!reader.takes('[')) throw invalid(`Invalid value for '${field}': it must be a JSON array.`);
  if (!reader.takes(']')) {
    do yield reader.value(1);
    while (reader.takes(','));
    if (!reader.takes(']')) throw reader.fault();
  }
  reader.end();
}

export interface PythonJsonForm {
  readonly sortKeys?: boolean;
  readonly ascii?: boolean;
}

/** The text that Python's `json.dumps` makes, with `ensure_ascii` only where `ascii` is asked for. */
export function printPythonJson(value: PythonJson, form: PythonJsonForm = {}): string {
  switch (value.kind) {
    case 'object': {
      const entries = [...value.entries];
      if (form.sortKeys === true) entries.sort(([a], [b]) => compareText(a, b));
      return `{${entries.map(([key, item]) => `${quoted(key, form)}: ${printPythonJson(item, form)}`).join(', ')}}`;
    }
    case 'array':
      return `[${value.items.map((item) => printPythonJson(item, form)).join(', ')}]`;
    case 'string':
      return quoted(value.text, form);
    default:
      return value.text;
  }
}

const quoted = (text: string, { ascii = false }: PythonJsonForm): string => {
  const json = JSON.stringify(text);
  return ascii
    ? json.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json;
};

/** Python's `repr` of a double. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e16)) return Number.isInteger(value) ? `${value}.0` : String(value);
  return value.toExponential().replace(/[+-](?=\d$)/, (sign) => `${sign}0`);
}

const SPACE = /[ \t\n\r]*/y;
const PLAIN_STRING = /"[^"\\\p{Cc}]*"/uy;
const NUMBER = /(-?(?:0|[1-9]\d*))(\.\d+)?([eE][+-]?\d+)?/y;
const WORDS: readonly (readonly [word: string, value: PythonJson])[] = [
  ['true', { kind: 'boolean', text: 'true' }],
  ['false', { kind: 'boolean', text: 'false' }],
  ['null', { kind: 'null', text: 'null' }],
  ['NaN', { kind: 'float', text: 'NaN' }],
  ['Infinity', { kind: 'float', text: 'Infinity' }],
  ['-Infinity', { kind: 'float', text: '-Infinity' }],
];

class Reader {
  readonly #field: string;
  readonly #text: string;
  #at = 0;

  constructor(field: string, text: string) {
    this.#field = field;
    this.#text = text;
  }

  value(depth: number): PythonJson {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#array(depth + 1);
      case '"':
        return { kind: 'string', text: this.#string() };
      default:
        return this.#word() ?? this.#number();
    }
  }

  /** Whether a character comes next, which is then taken. */
  takes(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.fault();
  }

  fault(): DomainError {
    const found = this.#text[this.#at];
    const what = found === undefined ? 'the end' : `'${found.toWellFormed()}'`;
    return invalid(
      `Invalid value for '${this.#field}': it must be valid JSON, unexpected ${what} at character ${this.#at + 1}.`,
    );
  }

  #object(depth: number): PythonJson {
    this.#enter(depth);
    const entries = new Map<string, PythonJson>();
    if (this.takes('}')) return { kind: 'object', entries };
    do {
      this.#skipSpace();
      const key = this.#string();
      if (!this.takes(':')) throw this.fault();
      entries.set(key, this.value(depth));
    } while (this.takes(','));
    if (!this.takes('}')) throw this.fault();
    return { kind: 'object', entries };
  }

  #array(depth: number): PythonJson {
    this.#enter(depth);
    const items: PythonJson[] = [];
    if (this.takes(']')) return { kind: 'array', items };
    do items.push(this.value(depth));
    while (this.takes(','));
    if (!this.takes(']')) throw this.fault();
    return { kind: 'array', items };
  }

  #enter(depth: number): void {
    if (depth > MAX_NESTING) {
      throw invalid(`Invalid value for '${this.#field}': it is nested deeper than ${MAX_NESTING} levels.`);
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    const plain = this.#match(PLAIN_STRING);
    if (plain !== null) return plain[0].slice(1, -1);
    if (this.#text[start] !== '"') throw this.fault();
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) throw this.fault();
    } while (this.#isEscaped(end));
    try {
      const text = JSON.parse(this.#text.slice(start, end + 1)) as string;
      this.#at = end + 1;
      return text;
    } catch {
      throw this.fault();
    }
  }

  /** Whether an odd number of backslashes stands before a place. */
  #isEscaped(at: number): boolean {
    let before = at - 1;
    while (this.#text[before] === '\\') before -= 1;
    return (at - before) % 2 === 0;
  }

  #word(): PythonJson | undefined {
    const found = WORDS.find(([word]) => this.#text.startsWith(word, this.#at));
    if (found !== undefined) this.#at += found[0].length;
    return found?.[1];
  }

  #number(): PythonJson {
    const match = this.#match(NUMBER);
    if (match === null) throw this.fault();
    const [whole, integer, fraction, exponent] = match;
    return fraction === undefined && exponent === undefined
      ? { kind: 'integer', text: integer === '-0' ? '0' : integer! }
      : { kind: 'float', text: pythonFloat(Number(whole)) };
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #skipSpace(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code > 32) return;
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
  }
}
