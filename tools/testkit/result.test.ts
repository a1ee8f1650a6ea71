import { describe, expect, it } from 'vitest';
import { add, none, parseSummary, single, summary } from './result.ts';

describe('results of a test run', () => {
  it('add up to one line', () => {
    const total = [single('types', true), single('lint', false), { ...none, passed: 3, skipped: 2 }].reduce(add, none);
    expect(summary(total)).toBe('4 passed, 1 failed, 2 skipped');
    expect(total.failures).toEqual(['lint']);
    expect(summary(single('types', true))).toBe('1 passed, 0 failed');
  });

  it('are read from the last line of a program', () => {
    expect(parseSummary('suite', 'noise\n7 passed, 0 failed, 1 skipped\n', 0)).toEqual({
      ...none,
      passed: 7,
      skipped: 1,
    });
    expect(parseSummary('suite', '5 passed, 2 failed', 1)).toMatchObject({ passed: 5, failed: 2 });
  });

  it('count a program as failed that ends badly or says nothing', () => {
    expect(parseSummary('suite', '7 passed, 0 failed', 1)).toMatchObject({ passed: 7, failed: 1 });
    expect(parseSummary('suite', '7 passed, 0 failed\nSegmentation fault', null)).toMatchObject({
      passed: 0,
      failed: 1,
    });
    expect(parseSummary('suite', '', 0)).toMatchObject({ passed: 0, failed: 1 });
  });
});
