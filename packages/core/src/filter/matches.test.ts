import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { like, matches, paramNumber, type StoredValue } from './matches.ts';
import { parseFilter } from './parser.ts';

const holds = (filter: string, stored: StoredValue | readonly StoredValue[]): boolean =>
  matches(parseFilter('run', filter)!, () => stored);

describe('a condition', () => {
  it('is false where the entity lacks the field, whatever the operator', () => {
    for (const filter of ["params.x != 'a'", 'params.x != 1', "params.x NOT LIKE 'a'", "params.x NOT IN ('a')"]) {
      expect(holds(filter, undefined), filter).toBe(false);
      expect(holds(`NOT ${filter}`, undefined), filter).toBe(true);
    }
    expect(holds('params.x IS NULL', undefined)).toBe(true);
    expect(holds('params.x IS NOT NULL', '')).toBe(true);
  });

  it('on NaN holds for != alone', () => {
    for (const op of ['=', '<', '<=', '>', '>=']) expect(holds(`metrics.x ${op} 0`, Number.NaN)).toBe(false);
    expect(holds('metrics.x != 0', Number.NaN)).toBe(true);
  });

  it('with a number compares a param as a number', () => {
    expect(holds('params.x = 0.1', '1e-1')).toBe(true);
    expect(holds('params.x > 9', '10')).toBe(true);
    expect(holds("params.x = '0.1'", '1e-1')).toBe(false);
    expect(holds('params.x < 9', 'abc')).toBe(false);
    expect(holds('params.x != 9', 'abc')).toBe(true);
    expect(['1', '-.5', '+2.', '1E3', '', ' 1', '0x1', '1_0', 'nan', 'inf', '1e999'].map(paramNumber)).toEqual([
      1,
      -0.5,
      2,
      1000,
      ...Array(7).fill(null),
    ]);
  });

  it('on datasets holds where it does for any of them', () => {
    expect(holds("dataset.name != 'a'", ['a', 'b'])).toBe(true);
    expect(holds("dataset.name != 'a'", ['a'])).toBe(false);
    expect(holds("dataset.name != 'a'", [])).toBe(false);
  });

  it('compares int64 exactly', () => {
    expect(holds('start_time > 9007199254740992', 9007199254740993n)).toBe(true);
    expect(holds('start_time = 9007199254740993', 9007199254740992n)).toBe(false);
  });
});

describe('LIKE', () => {
  it('agrees with a regular expression', () => {
    const piece = fc.constantFrom('a', 'b', '%', '_', '\\', '.', '𝒳');
    fc.assert(
      fc.property(
        fc.string({ unit: piece, maxLength: 8 }),
        fc.string({ unit: piece, maxLength: 6 }),
        (text, pattern) => {
          const source = pattern.replace(/[\\.]/g, '\\$&').replaceAll('%', '.*').replaceAll('_', '.');
          expect(like(text, pattern)).toBe(new RegExp(`^${source}$`, 'su').test(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes a hostile pattern in its stride', () => {
    expect(like('a'.repeat(8_000), `${'%a'.repeat(4_000)}b`)).toBe(false);
  });
});
