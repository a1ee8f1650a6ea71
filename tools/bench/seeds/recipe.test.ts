import { describe, expect, it } from 'vitest';
import { fewRunsFilter, seededRun, TENTH_FILTER } from './recipe.ts';

const COUNT = 1000;
const runs = Array.from({ length: COUNT }, (_, index) => seededRun(index, COUNT));

function values(key: string): number[] {
  return runs.map((run) => run.metrics.find((metric) => metric.key === key)!.value);
}

function matches(filter: string): number {
  const [, key, operator, bound] = /^metrics\.(\w+) ([<>]) (.+)$/.exec(filter)!;
  return values(key!).filter((value) => (operator === '<' ? value < Number(bound) : value > Number(bound))).length;
}

describe('the seeded runs', () => {
  it('have a score of their own each, not in the order of time', () => {
    const scores = values('score');
    expect(new Set(scores).size).toBe(COUNT);
    expect(scores.toSorted((a, b) => a - b)).not.toEqual(scores);
  });

  it('are selected by the filters as these promise', () => {
    expect(matches(fewRunsFilter(COUNT))).toBe(10);
    expect(matches(TENTH_FILTER)).toBe(COUNT / 10);
  });
});
