import { expect, test } from 'vitest';
import { alignHistories, axisFor } from './align.ts';

const point = (step: number, value: number, timestamp = 1000 * step) => ({ step, value, timestamp });

test('lines share their x values; where one has no point it is drawn across', () => {
  const aligned = alignHistories([[point(0, 1), point(2, 3)], [point(1, 5)]], 'step', 'linear');
  expect(aligned).toEqual([
    [0, 1, 2],
    [1, undefined, 3],
    [undefined, 5, undefined],
  ]);
});

test('what cannot be drawn is a gap', () => {
  const history = [point(0, NaN), point(1, Infinity), point(2, -1), point(3, 2)];
  expect(alignHistories([history], 'step', 'linear')[1]).toEqual([null, null, -1, 2]);
  expect(alignHistories([history], 'step', 'log')[1]).toEqual([null, null, null, 2]);
});

test('time counts from the start of each line', () => {
  const late = [point(0, 1, 9000), point(1, 2, 9500)];
  expect(alignHistories([late, [point(0, 7, 100)]], 'time', 'linear')).toEqual([
    [0, 0.5],
    [1, 2],
    [7, undefined],
  ]);
});

test('steps in any order, negative ones too, come out ascending', () => {
  expect(alignHistories([[point(5, 1), point(-3, 2), point(0, 3)]], 'step', 'linear')[0]).toEqual([-3, 0, 5]);
});

test('many values on one step are told apart by time', () => {
  expect(axisFor([[point(0, 1, 1), point(0, 2, 2)]], 'step')).toBe('time');
  expect(axisFor([[point(0, 1), point(1, 2)]], 'step')).toBe('step');
  expect(axisFor([[point(0, 1)], []], 'step')).toBe('step');
});
