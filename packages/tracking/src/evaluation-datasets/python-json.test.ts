import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePythonJson, printPythonJson, pythonFloat, pythonJsonItems } from './python-json.ts';

const print = (text: string, form = {}) => printPythonJson(parsePythonJson('x', text), form);

// What Python's json.dumps(json.loads(…)) makes of each.
describe('JSON as Python writes it', () => {
  it.each([
    ['[1, 1.0, 1.50, -0, -0.0, 1e2, 1E+2]', '[1, 1.0, 1.5, 0, -0.0, 100.0, 100.0]'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    [
      '[1e16, 1e15, 123456789012345678.0, 1e-4, 1e-5, 1.5e-7, 1e22, 5e-324, 1e999]',
      '[1e+16, 1000000000000000.0, 1.2345678901234568e+17, 0.0001, 1e-05, 1.5e-07, 1e+22, 5e-324, Infinity]',
    ],
    ['[NaN, Infinity, -Infinity, true, false, null]', '[NaN, Infinity, -Infinity, true, false, null]'],
    [' { "b" : 1 , "2" : [ ] , "1" : { } } ', '{"b": 1, "2": [], "1": {}}'],
    ['{"a": 1, "b": 2, "a": 3}', '{"a": 3, "b": 2}'],
    ['{"__proto__": 1}', '{"__proto__": 1}'],
    ['"\\u00e9\\n\\/\\\\\\"\\ud800"', '"é\\n/\\\\\\"\\ud800"'],
    ['"\u0085\u2028"', '"\u0085\u2028"'],
    ['"\\\\"', '"\\\\"'],
  ])('%s', (text, printed) => {
    expect(print(text)).toBe(printed);
  });

  it('sorts keys by code point and escapes what is not ASCII where it is asked to', () => {
    const text = '{"\uffff": {"b": 1, "a": "é\u007f"}, "\u{10000}": 2, "Z": 3}';
    const printed = '{"Z": 3, "\\uffff": {"a": "\\u00e9\\u007f", "b": 1}, "\\ud800\\udc00": 2}';
    expect(print(text, { sortKeys: true, ascii: true })).toBe(printed);
  });

  it.each([
    '',
    ' ',
    '[1',
    '[1,]',
    '{"a"}',
    '{"a":}',
    '{a: 1}',
    '{"a": 1,}',
    '01',
    '1.',
    '.5',
    '+1',
    'nan',
    '"',
    '"\n"',
    '"\\x"',
    '"\\"',
    '1 2',
    "'a'",
    'nulll',
  ])('refuses %j with its place', (text) => {
    expect(() => parsePythonJson('records', text)).toThrow(
      /'records': it must be valid JSON, unexpected .* at character \d/,
    );
  });

  it('bounds how deep values are nested', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(print(nested(100))).toBe(nested(100));
    expect(() => parsePythonJson('records', nested(101))).toThrow("'records': it is nested deeper than 100 levels");
    expect(() => parsePythonJson('records', '{"a":'.repeat(1_000_000))).toThrow('deeper than 100 levels');
  });

  it('reads a long array item by item', () => {
    expect(Array.from(pythonJsonItems('x', ' [1, {"a": 2} ] '), (item) => printPythonJson(item))).toEqual([
      '1',
      '{"a": 2}',
    ]);
    expect([...pythonJsonItems('x', '[]')]).toEqual([]);
    for (const text of ['{}', '5', ''])
      expect(() => [...pythonJsonItems('x', text)]).toThrow('it must be a JSON array');
    for (const text of ['[1', '[1] 2', '[1,]', '[,1]'])
      expect(() => [...pythonJsonItems('x', text)]).toThrow('must be valid JSON');
  });

  it('agrees with JSON wherever JSON is exact', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(JSON.parse(print(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(JSON.parse(print(JSON.stringify(value), { ascii: true, sortKeys: true }))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  it('prints doubles that read back the same', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(pythonFloat(value))).toBe(value);
        expect(print(pythonFloat(value))).toBe(pythonFloat(value));
      }),
    );
  });
});
