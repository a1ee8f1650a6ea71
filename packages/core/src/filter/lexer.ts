import { invalid } from '../errors.ts';
import { isWord, shown } from '../text.ts';

export type TokenKind = 'name' | 'string' | 'number' | 'operator' | 'punctuation' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The token as written. */
  readonly text: string;
  readonly at: number;
  /** What stands before the first dot of a name (`metrics` in `metrics.loss`); null for a bare name. */
  readonly prefix: string | null;
  /** The key of a name, or the content of a string, without quotes. */
  readonly value: string;
}

const NUMBER = /-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const OPERATOR_CHARACTERS = '<>=!~';
const SPACE = /\s/;

/** A refusal that says where: positions in messages count from 1, as in PostgreSQL. */
export const refuse = (message: string, at: number) => invalid(`${message} (at position ${at + 1})`);

/** Splits a filter into tokens in one pass: each character is looked at a bounded number of times. */
export class Lexer {
  readonly #text: string;
  readonly #unreadable: string;
  #at = 0;
  /** Characters looked at so far; tests hold it to a multiple of the length. */
  steps = 0;

  /** @param unreadable How a refusal of the text itself begins. */
  constructor(text: string, unreadable: string) {
    this.#text = text;
    this.#unreadable = unreadable;
  }

  next(): Token {
    while (this.#at < this.#text.length && SPACE.test(this.#text[this.#at]!)) this.#advance(1);
    const at = this.#at;
    const character = this.#text[at];
    if (character === undefined) return this.#token('end', at);
    if (character === '`') return this.#quotedName(at);
    if (character === "'" || character === '"') {
      const value = this.#quoted(character);
      return this.#token('string', at, value);
    }
    if (character === '(' || character === ')' || character === ',') {
      this.#advance(1);
      return this.#token('punctuation', at);
    }
    if (OPERATOR_CHARACTERS.includes(character)) {
      while (this.#at < this.#text.length && OPERATOR_CHARACTERS.includes(this.#text[this.#at]!)) this.#advance(1);
      return this.#token('operator', at);
    }
    return this.#number(at) ?? this.#name(at);
  }

  #advance(count: number): void {
    this.#at += count;
    this.steps += count;
  }

  #token(kind: TokenKind, at: number, value = '', prefix: string | null = null): Token {
    return { kind, text: this.#text.slice(at, this.#at), at, prefix, value };
  }

  /** A whole number token, or null where a name begins with digits. */
  #number(at: number): Token | null {
    NUMBER.lastIndex = at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) return null;
    this.steps += text.length;
    if (this.#isKeyCharacter(at + text.length)) return null;
    this.#at = at + text.length;
    return this.#token('number', at);
  }

  #name(at: number): Token {
    this.#skipKey();
    if (this.#at === at || !isWord(this.#text.codePointAt(at)!)) {
      throw refuse(`${this.#unreadable}: unexpected '${String.fromCodePoint(this.#text.codePointAt(at)!)}'`, at);
    }
    const text = this.#text.slice(at, this.#at);
    const dot = text.indexOf('.');
    if (dot < 0) return this.#token('name', at, text);
    if (dot < text.length - 1) return this.#endOfKey(at, text.slice(0, dot), text.slice(dot + 1));
    return this.#key(at, text.slice(0, dot));
  }

  /** A name whose first part stands in backticks: `` `run name` `` or `` `params`.x ``. */
  #quotedName(at: number): Token {
    const first = this.#quoted('`');
    if (this.#text[this.#at] !== '.') return this.#token('name', at, first);
    this.#advance(1);
    return this.#key(at, first);
  }

  /** The key after `prefix.`, quoted in any of the three ways or bare. */
  #key(at: number, prefix: string): Token {
    const quote = this.#text[this.#at];
    if (quote === '`' || quote === '"' || quote === "'") return this.#endOfKey(at, prefix, this.#quoted(quote));
    const start = this.#at;
    this.#skipKey();
    if (this.#at === start) throw refuse(`Invalid identifier '${prefix}.': a key must follow the dot`, at);
    return this.#endOfKey(at, prefix, this.#text.slice(start, this.#at));
  }

  #endOfKey(at: number, prefix: string, key: string): Token {
    const following = this.#text[this.#at];
    if (following === '`' || following === '"' || following === "'" || this.#isKeyCharacter(this.#at)) {
      throw refuse(
        `Invalid identifier '${shown(this.#text.slice(at, this.#at + 1))}': quote the whole key or none of it`,
        at,
      );
    }
    return this.#token('name', at, key, prefix);
  }

  /** Whether the character at an offset can stand in an unquoted key: those that MLflow's key rule allows, less the space. */
  #isKeyCharacter(at: number): boolean {
    const code = this.#text.codePointAt(at);
    return code !== undefined && (isWord(code) || code === 0x2e || code === 0x2d || code === 0x2f || code === 0x3a);
  }

  #skipKey(): void {
    while (this.#isKeyCharacter(this.#at)) this.#advance(this.#text.codePointAt(this.#at)! > 0xffff ? 2 : 1);
  }

  /**
   * The content between quotes, as written: MLflow strips the quotes and unescapes nothing. A doubled or backslashed
   * quote does not end it, except that a last backslash before the closing quote is plain text: `'C:\'`.
   */
  #quoted(quote: string): string {
    const text = this.#text;
    const start = this.#at;
    let backslashed = -1;
    for (let at = start + 1; at < text.length; at += 1) {
      this.steps += 1;
      if (text[at] === '\\' && text[at + 1] === quote && quote !== '`') {
        at += 1;
        backslashed = at;
      } else if (text[at] === quote) {
        if (text[at + 1] !== quote) return this.#closeQuote(start, at);
        at += 1;
        backslashed = -1;
      }
    }
    if (backslashed >= 0) return this.#closeQuote(start, backslashed);
    throw refuse(`${this.#unreadable}: the quote ${quote} is not closed`, start);
  }

  #closeQuote(start: number, end: number): string {
    this.#at = end + 1;
    return this.#text.slice(start + 1, end);
  }
}
