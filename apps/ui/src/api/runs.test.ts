import { expect, test } from 'vitest';
import { refreshAfter } from './runs.ts';

const page = (...statuses: string[]) => ({
  runs: statuses.map((status, i) => ({ info: { run_id: `r${i}`, experiment_id: '1', status } })),
});

test('runs under way, and an empty experiment, are looked at often', () => {
  expect(refreshAfter([page('FINISHED', 'RUNNING')])).toBe(4000);
  expect(refreshAfter([{}])).toBe(4000);
});

test('finished runs are looked at seldom, many pages less often than few', () => {
  expect(refreshAfter([page('FINISHED')])).toBe(30_000);
  expect(refreshAfter(Array.from({ length: 7 }, () => page('RUNNING')))).toBe(12_000);
});
