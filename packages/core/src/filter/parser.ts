import { type DomainError, invalid } from '../errors.ts';
import { MAX_FILTER_CLAUSES, MAX_FILTER_LENGTH, MAX_FILTER_LIST, MAX_FILTER_NESTING } from '../limits.ts';
import { checkText, shown } from '../text.ts';
import type { CompareNode, FilterNode, FilterValue, Operator, SearchEntity } from './ast.ts';
import { type CheckedField, Checker } from './check.ts';
import { Lexer, refuse, type Token } from './lexer.ts';
import { listString } from './list.ts';

const UNREADABLE = 'Invalid clause(s) in filter string';

/**
 * Parses a search filter.
 * @returns null where nothing is asked for.
 * @throws DomainError INVALID_PARAMETER_VALUE with the place in the text, counted from 1.
 */
export const parseFilter = (entity: SearchEntity, text: string | undefined): FilterNode | null => {
  if (text === undefined || text === '') return null;
  return new Parser(entity, text).parse();
};

class Parser {
  readonly #lexer: Lexer;
  readonly #check: Checker;
  #token: Token;
  #clauses = 0;
  #depth = 0;
  /** The refusal of the first clause or AND that only MLflow's loose reading allows. */
  #loose: DomainError | null = null;
  /** Whether OR, NOT or parentheses occur: what MLflow lacks is read strictly. */
  #extended = false;

  constructor(entity: SearchEntity, text: string) {
    if (text.length > MAX_FILTER_LENGTH) {
      throw invalid(`The filter has ${text.length} characters; it may have at most ${MAX_FILTER_LENGTH}.`);
    }
    checkText('filter', text);
    if (text.trim() === '') throw invalid(`Invalid filter '${shown(text)}'. Could not be parsed.`);
    this.#lexer = new Lexer(text, UNREADABLE);
    this.#check = new Checker(entity);
    this.#token = this.#lexer.next();
  }

  parse(): FilterNode | null {
    const node = this.#or();
    if (this.#token.kind !== 'end') throw this.#unexpected(this.#token);
    if (this.#extended && this.#loose !== null) throw this.#loose;
    return node;
  }

  #or(): FilterNode | null {
    const items = [this.#and()];
    while (this.#isWord('OR')) {
      if (items.includes(null)) throw this.#unexpected(this.#token);
      this.#take();
      this.#extended = true;
      items.push(this.#and());
    }
    if (items.length === 1) return items[0]!;
    if (items.includes(null)) throw this.#unexpected(this.#token);
    return group('or', items as FilterNode[]);
  }

  /** MLflow ignores every AND, so that one too many, or none between two conditions, is let through. */
  #and(): FilterNode | null {
    const items: FilterNode[] = [];
    let waiting: Token | null = null;
    for (;;) {
      const token = this.#token;
      if (this.#takeWord('AND')) {
        if (items.length === 0 || waiting !== null) this.#loose ??= this.#unexpected(token);
        waiting = token;
      } else if (token.kind === 'end' || this.#isPunctuation(')') || this.#isWord('OR')) {
        if (waiting !== null) this.#loose ??= this.#unexpected(waiting);
        return items.length > 1 ? group('and', items) : (items[0] ?? null);
      } else {
        if (items.length > 0 && waiting === null) {
          this.#loose ??= refuse(`${UNREADABLE}: expected AND or OR before '${shown(token.text)}'`, token.at);
        }
        waiting = null;
        items.push(this.#unary());
      }
    }
  }

  #unary(): FilterNode {
    const token = this.#token;
    const negated = this.#takeWord('NOT');
    if (!negated && !this.#isPunctuation('(')) return this.#comparison();
    this.#extended = true;
    this.#depth += 1;
    if (this.#depth > MAX_FILTER_NESTING) {
      throw refuse(`The filter is nested more than ${MAX_FILTER_NESTING} levels deep`, token.at);
    }
    const item = negated ? this.#unary() : this.#parenthesised();
    this.#depth -= 1;
    return negated ? { kind: 'not', item } : item;
  }

  #parenthesised(): FilterNode {
    this.#take();
    const item = this.#or();
    if (item === null || !this.#isPunctuation(')')) throw this.#unexpected(this.#token);
    this.#take();
    return item;
  }

  #comparison(): CompareNode {
    const token = this.#take();
    this.#clauses += 1;
    if (this.#clauses > MAX_FILTER_CLAUSES) {
      throw refuse(`The filter has more than ${MAX_FILTER_CLAUSES} conditions`, token.at);
    }
    const name = nameOf(token);
    if (name === null) {
      if (token.kind === 'end' || token.kind === 'operator' || token.kind === 'punctuation')
        throw this.#unexpected(token);
      throw refuse(`Invalid comparison clause. Expected 'Identifier' found '${shown(token.text)}'`, token.at);
    }
    const operator = this.#operator(token);
    const field = this.#check.field(name);
    const op = this.#check.operator(field, operator.op, operator.at);
    const { type, key } = field;
    return { kind: 'compare', field: { type, key }, op, value: this.#operand(field, op), at: token.at };
  }

  #operator(clause: Token): { op: string; at: number } {
    const token = this.#take();
    const at = token.at;
    if (token.kind === 'operator') return { op: token.text === '<>' ? '!=' : token.text, at };
    switch (keyword(token)) {
      case 'LIKE':
      case 'ILIKE':
      case 'RLIKE':
      case 'IN':
        return { op: keyword(token), at };
      case 'IS':
        if (this.#takeWord('NULL')) return { op: 'IS NULL', at };
        if (this.#takeWord('NOT') && this.#takeWord('NULL')) return { op: 'IS NOT NULL', at };
        break;
      case 'NOT':
        for (const op of ['IN', 'LIKE', 'ILIKE']) if (this.#takeWord(op)) return { op: `NOT ${op}`, at };
        break;
    }
    if (token.kind === 'end') {
      throw refuse(`${UNREADABLE}: '${shown(clause.text)}' is compared with nothing`, clause.at);
    }
    throw this.#unexpected(token);
  }

  #operand(field: CheckedField, op: Operator): FilterValue {
    if (op === 'IS NULL' || op === 'IS NOT NULL') return null;
    if (op === 'IN' || op === 'NOT IN') return this.#list(field);
    const token = this.#take();
    if (token.kind === 'end' || token.kind === 'operator' || token.kind === 'punctuation')
      throw this.#unexpected(token);
    return this.#check.value(field, op, token);
  }

  #list(field: CheckedField): readonly string[] {
    const open = this.#take();
    if (!isPunctuation(open, '(')) throw this.#unexpected(open);
    const values: string[] = [];
    while (!this.#isPunctuation(')')) {
      const token = this.#take();
      if (token.kind === 'number' || token.kind === 'name') {
        throw refuse(
          `While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: ${shown(token.text)}`,
          token.at,
        );
      }
      if (token.kind !== 'string') throw this.#unexpected(token);
      if (values.length === MAX_FILTER_LIST) {
        throw refuse(`A list in the filter has more than ${MAX_FILTER_LIST} values`, open.at);
      }
      const text = listString(token);
      checkText('filter', text);
      values.push(this.#check.listItem(field, text, token.at));
      if (!this.#isPunctuation(')') && !isPunctuation(this.#take(), ',')) {
        throw refuse('While parsing a list in the query, expected a comma between two values', token.at);
      }
    }
    if (values.length === 0) {
      throw refuse(
        'While parsing a list in the query, expected a non-empty list of string values, but got empty list',
        open.at,
      );
    }
    this.#take();
    return values;
  }

  #take(): Token {
    const token = this.#token;
    if (token.kind !== 'end') this.#token = this.#lexer.next();
    return token;
  }

  #isWord(word: string): boolean {
    return keyword(this.#token) === word;
  }

  #takeWord(word: string): boolean {
    const found = this.#isWord(word);
    if (found) this.#take();
    return found;
  }

  #isPunctuation(text: string): boolean {
    return isPunctuation(this.#token, text);
  }

  #unexpected(token: Token) {
    const found = token.kind === 'end' ? 'the end' : `'${shown(token.text)}'`;
    return refuse(`${UNREADABLE}: unexpected ${found}`, token.at);
  }
}

const isPunctuation = (token: Token, text: string): boolean => token.kind === 'punctuation' && token.text === text;

/** A bare word in capitals, or an empty string for any other token. */
const keyword = (token: Token): string =>
  token.kind === 'name' && token.prefix === null && !token.text.startsWith('`') ? token.text.toUpperCase() : '';

/** The token as a field's name: a bare attribute may stand in double quotes. */
const nameOf = (token: Token): Token | null => {
  if (token.kind === 'name') return token;
  return token.kind === 'string' && token.text.startsWith('"') ? token : null;
};

const group = (kind: 'and' | 'or', items: readonly FilterNode[]): FilterNode => ({
  kind,
  items: items.flatMap((item) => (item.kind === kind ? item.items : [item])),
});
