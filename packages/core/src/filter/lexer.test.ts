import { expect, it } from 'vitest';
import { DomainError } from '../errors.ts';
import { Lexer } from './lexer.ts';

/** How many characters the lexer looks at, up to the end or to what it refuses. */
const stepsOf = (text: string): number => {
  const lexer = new Lexer(text, 'Unreadable');
  try {
    while (lexer.next().kind !== 'end');
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
  }
  return lexer.steps;
};

it.each([
  ['quotes', "'".repeat(60_000)],
  ['quotes of both kinds', `'"`.repeat(30_000)],
  ['backslashed quotes without an end', `params.x = '${"\\'".repeat(30_000)}`],
  ['doubled quotes without an end', `params.x = "${'""'.repeat(30_000)}`],
  ['strings', "'a\\'b' ".repeat(9_000)],
  ['backticks', '`'.repeat(60_000)],
  ['digits', '9'.repeat(60_000)],
  ['a number that is a name', `metrics.x > ${'9'.repeat(60_000)}x`],
  ['numbers that are names', '99x '.repeat(15_000)],
  ['exponents', '1e'.repeat(30_000)],
  ['dots', `metrics.${'a.'.repeat(30_000)} > 1`],
  ['spaces', ' '.repeat(60_000)],
  ['words', 'AND '.repeat(15_000)],
  ['operators', '<'.repeat(60_000)],
  ['parentheses', '('.repeat(60_000)],
  ['letters beyond the first plane', '𝒳'.repeat(30_000)],
])('looks at each character a bounded number of times: %s', (_, text) => {
  const steps = stepsOf(text);
  expect(steps).toBeGreaterThan(0);
  expect(steps).toBeLessThanOrEqual(3 * text.length);
});
