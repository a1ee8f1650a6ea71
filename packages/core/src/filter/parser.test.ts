import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../errors.ts';
import { MAX_FILTER_CLAUSES, MAX_FILTER_LENGTH, MAX_FILTER_LIST, MAX_FILTER_NESTING } from '../limits.ts';
import type { CompareNode, FilterField, FilterNode, FilterValue, Operator } from './ast.ts';
import { matches } from './matches.ts';
import { parseFilter } from './parser.ts';

const refusal = (text: string): string => {
  try {
    parseFilter('run', text);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'INVALID_PARAMETER_VALUE') return error.message;
    throw error;
  }
  return 'taken';
};

const only = (text: string): Omit<CompareNode, 'kind' | 'at'> => {
  const node = parseFilter('run', text);
  if (node?.kind !== 'compare') throw new Error(JSON.stringify(node));
  const { field, op, value } = node;
  return { field, op, value };
};

describe('what the language adds to MLflow', () => {
  it.each<[string, string, FilterValue]>([
    ['params.lr >= 0.1', '>=', 0.1],
    ['params.n = 1e+5', '=', 100_000],
    ["params.x NOT LIKE 'a%'", 'NOT LIKE', 'a%'],
    ["params.x not ilike 'a%'", 'NOT ILIKE', 'a%'],
    ['tags.x in (\'a\', "b",)', 'IN', ['a', 'b']],
    ["status NOT IN ('FAILED')", 'NOT IN', ['FAILED']],
    ['end_time IS NULL', 'IS NULL', null],
    ['metrics.x is  not  null', 'IS NOT NULL', null],
    ['metrics.x <> 1', '!=', 1],
    ["run_id IN ('it\\'s \\u00e9\\n')", 'IN', ["it's é\n"]],
  ])('%s', (text, op, value) => {
    expect(only(text)).toMatchObject({ op, value });
  });

  it.each<[string, FilterField]>([
    ['metrics.m-1 > 3', { type: 'metric', key: 'm-1' }],
    ['metrics.val/loss:0 > 3', { type: 'metric', key: 'val/loss:0' }],
    ['metrics.1 > 3', { type: 'metric', key: '1' }],
    ['metrics.in > 3', { type: 'metric', key: 'in' }],
    ['metrics.損失 > 3', { type: 'metric', key: '損失' }],
    ['attributes.`Run Name` = "x"', { type: 'attribute', key: 'run_name' }],
  ])('the key of %s', (text, field) => {
    expect(only(text.replace('"x"', "'x'")).field).toEqual(field);
  });

  it('binds NOT before AND before OR', () => {
    const text = "NOT params.a = '1' AND params.b = '2' OR (params.c = '3' or params.d = '4') and params.e = '5'";
    const compare = (key: string, value: string) => ({
      kind: 'compare',
      field: { type: 'param', key },
      op: '=',
      value,
    });
    expect(parseFilter('run', text)).toMatchObject({
      kind: 'or',
      items: [
        { kind: 'and', items: [{ kind: 'not', item: compare('a', '1') }, compare('b', '2')] },
        { kind: 'and', items: [{ kind: 'or', items: [compare('c', '3'), compare('d', '4')] }, compare('e', '5')] },
      ],
    });
  });

  it('reads strictly where OR, NOT or parentheses show that no MLflow wrote it', () => {
    const message = 'Invalid clause(s) in filter string';
    expect(refusal("NOT params.a = '1' params.b = '2'")).toBe(
      `${message}: expected AND or OR before 'params.b' (at position 20)`,
    );
    expect(refusal("(params.a = '1') AND")).toBe(`${message}: unexpected 'AND' (at position 18)`);
    expect(refusal("params.a = '1' OR AND params.b = '2'")).toBe(`${message}: unexpected 'AND' (at position 19)`);
  });
});

describe('values', () => {
  it('keeps integers exact and refuses those beyond int64', () => {
    expect(only('start_time > 9007199254740993').value).toBe(9007199254740993n);
    expect(only('start_time > -9223372036854775808').value).toBe(-(2n ** 63n));
    expect(refusal('start_time > 9223372036854775808')).toBe(
      "Invalid value for numeric attribute 'start_time': 9223372036854775808 is not a 64-bit integer (at position 14)",
    );
    expect(refusal(`start_time > ${'9'.repeat(60_000)}`)).toContain('is not a 64-bit integer');
  });

  it('takes what a backslash precedes, but not at the very end', () => {
    expect(only("params.dir = 'C:\\data\\'").value).toBe('C:\\data\\');
    expect(only("params.x = 'it\\'s'").value).toBe("it\\'s");
  });
});

describe('refusals name the place', () => {
  it.each([
    ["params.x = 'a' OR", 'Invalid clause(s) in filter string: unexpected the end (at position 18)'],
    ["OR params.x = 'a'", "Invalid clause(s) in filter string: unexpected 'OR' (at position 1)"],
    ['params.x', "Invalid clause(s) in filter string: 'params.x' is compared with nothing (at position 1)"],
    ["(params.x = 'a'", 'Invalid clause(s) in filter string: unexpected the end (at position 16)'],
    ["params.x = 'a')", "Invalid clause(s) in filter string: unexpected ')' (at position 15)"],
    ['()', "Invalid clause(s) in filter string: unexpected ')' (at position 2)"],
    ["params.x = 'a", "Invalid clause(s) in filter string: the quote ' is not closed (at position 12)"],
    ["params.x = 'a' ; x", "Invalid clause(s) in filter string: unexpected ';' (at position 16)"],
    ['params.`a`b = 1', "Invalid identifier 'params.`a`b': quote the whole key or none of it (at position 1)"],
    [
      "params.x > 'a'",
      "Invalid comparator '>' for a quoted string; it compares a param with a number (at position 12)",
    ],
    ["params.x = '\0'", "Invalid value for 'filter': it has a NUL character at position 13."],
    ["run_id IN ('\\x00')", "Invalid value for 'filter': it has a NUL character at position 1."],
    [
      "run_id IN ('\\ud800')",
      "Invalid value for 'filter': it has half a surrogate pair at character 1; text must be valid Unicode.",
    ],
    ["run_id IN ('a' 'b')", 'While parsing a list in the query, expected a comma between two values (at position 12)'],
  ])('%s', (text, message) => {
    expect(refusal(text)).toBe(message);
  });
});

describe('bounds', () => {
  const clause = "params.x = 'a'";
  const join = (count: number, text = clause) => Array.from({ length: count }, () => text).join(' AND ');

  it('are named where they are passed, and hold where they are met', () => {
    expect(refusal(join(MAX_FILTER_CLAUSES))).toBe('taken');
    expect(refusal(join(MAX_FILTER_CLAUSES + 1))).toContain(`more than ${MAX_FILTER_CLAUSES} conditions`);
    const nested = (depth: number) => '('.repeat(depth) + clause + ')'.repeat(depth);
    expect(refusal(nested(MAX_FILTER_NESTING))).toBe('taken');
    expect(refusal(nested(MAX_FILTER_NESTING + 1))).toContain(`nested more than ${MAX_FILTER_NESTING} levels`);
    expect(refusal('NOT '.repeat(15_000) + clause)).toContain(`nested more than ${MAX_FILTER_NESTING} levels`);
    const list = (count: number) => `run_id IN (${Array.from({ length: count }, () => "'a'").join(',')})`;
    expect(refusal(list(MAX_FILTER_LIST))).toBe('taken');
    expect(refusal(list(MAX_FILTER_LIST + 1))).toContain(`more than ${MAX_FILTER_LIST} values`);
    expect(refusal(`params.x = '${'a'.repeat(MAX_FILTER_LENGTH)}'`)).toContain(`at most ${MAX_FILTER_LENGTH}`);
  });
});

describe('printing and parsing', () => {
  const key = fc.constantFrom('a', 'a b', 'val/loss', 'x-1', 'é', 'in', 'a.b');
  const text = fc.string({ unit: fc.constantFrom('a', '%', '_', '"', ' ', 'é'), maxLength: 4 });
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const compare = (type: FilterField['type'], ops: readonly Operator[], value: fc.Arbitrary<FilterValue>) =>
    fc.record({
      kind: fc.constant('compare' as const),
      field: fc.record({ type: fc.constant(type), key }),
      op: fc.constantFrom(...ops),
      value,
      at: fc.constant(0),
    });
  const leaf: fc.Arbitrary<FilterNode> = fc.oneof(
    compare('metric', ['=', '!=', '<', '<=', '>', '>='], number),
    compare('param', ['=', '!=', '<', '>='], number),
    compare('param', ['=', '!=', 'LIKE', 'NOT ILIKE'], text),
    compare('tag', ['IN', 'NOT IN'], fc.array(text, { minLength: 1, maxLength: 3 })),
    compare('tag', ['IS NULL', 'IS NOT NULL'], fc.constant(null)),
  );
  const node = fc.letrec<{ node: FilterNode; leaf: FilterNode }>((tie) => ({
    leaf,
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        items: fc.array(tie('node'), { minLength: 2, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not' as const), item: tie('node') }),
    ),
  })).node;
  const world = fc.dictionary(key, fc.oneof(text, number.map(String), fc.constant('NaN')));

  it('give back a filter of the same meaning', () => {
    fc.assert(
      fc.property(node, world, (filter, stored) => {
        const get = ({ type, key: name }: FilterField) => {
          const value = Object.hasOwn(stored, name) ? stored[name] : undefined;
          return type === 'metric' && value !== undefined ? Number(value) : value;
        };
        expect(matches(parseFilter('run', print(filter))!, get)).toBe(matches(filter, get));
      }),
      { numRuns: 1_000 },
    );
  });
});

const print = (node: FilterNode): string => {
  if (node.kind === 'not') return `NOT ${node.item.kind === 'compare' ? print(node.item) : `(${print(node.item)})`}`;
  if (node.kind !== 'compare') {
    const parts = node.items.map((item) =>
      node.kind === 'and' && item.kind === 'or' ? `(${print(item)})` : print(item),
    );
    return parts.join(node.kind === 'and' ? ' AND ' : ' OR ');
  }
  const { field, op, value } = node;
  const quoted = (each: unknown) => (typeof each === 'number' ? String(each) : `'${each}'`);
  const operand = Array.isArray(value) ? `(${value.map(quoted).join(', ')})` : value === null ? '' : quoted(value);
  return `${field.type}s.\`${field.key}\` ${op} ${operand}`;
};
