import { expect, test } from 'vitest';
import { absoluteTime, formatClock, formatDuration, relativeTime } from './time.ts';

const now = Date.UTC(2026, 10, 21, 12, 0, 0);

test.each([
  [0, 'just now'],
  [-2000, 'just now'],
  [-120_000, 'in the future'],
  [42_000, '42 s ago'],
  [59 * 60_000, '59 min ago'],
  [23 * 3_600_000, '23 h ago'],
  [25 * 3_600_000, 'yesterday'],
  [20 * 86_400_000, '20 days ago'],
  [90 * 86_400_000, '3 months ago'],
  [800 * 86_400_000, '2 years ago'],
])('%d ms ago is %s', (ago, text) => {
  expect(relativeTime(now - ago, now)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [1234, '1.2 s'],
  [59_999, '59.9 s'],
  [200_000, '3 min 20 s'],
  [120_000, '2 min'],
  [7_500_000, '2 h 5 min'],
  [356_400_000, '4 d 3 h'],
  [-1, '–'],
])('%d ms lasts %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, '0 s'],
  [0.25, '0.25 s'],
  [75, '1:15'],
  [3599, '59:59'],
  [7500, '2:05:00'],
  [360_000, '100:00:00'],
])('%d s stand on an axis as %s', (seconds, text) => {
  expect(formatClock(seconds)).toBe(text);
});

test('absolute time is local and sortable', () => {
  expect(absoluteTime(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe('2026-01-02 03:04:05');
});
