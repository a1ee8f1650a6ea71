import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDuration } from '../src/commands/gc.ts';

const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

it(`any units in order add up (seed ${seed})`, () => {
  const part = fc.option(fc.nat(10_000));
  fc.assert(
    fc.property(fc.tuple(part, part, part, part), (counts) => {
      const given = UNITS.flatMap(([unit, ms], i) => (counts[i] === null ? [] : [{ unit, ms, count: counts[i]! }]));
      fc.pre(given.length > 0);
      const text = given.map(({ unit, count }) => `${count}${unit}`).join('');
      expect(parseDuration(text)).toBe(given.reduce((sum, { ms, count }) => sum + ms * count, 0));
    }),
    { seed },
  );
  expect(parseDuration('1.5h')).toBe(5_400_000);
});

it.each(['', ' ', '1', 'd', '-1d', '1h1d', '1d 2h', '1w', '1d1d', '1e3s', '.5s', '1.s', '1D', 'Infinityd'])(
  '%j is no time',
  (text) => expect(() => parseDuration(text)).toThrow(/^Invalid time '.*such as 30d or 1d2h3m4s\.$/),
);
