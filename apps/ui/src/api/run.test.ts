import { expect, test } from 'vitest';
import { runFromWire, toNumber } from './run.ts';

const wire = {
  info: { run_id: 'a1', experiment_id: '1', status: 'FINISHED', start_time: 5 },
  data: {
    metrics: [{ key: '__proto__', value: 'NaN', step: 3 }],
    tags: [{ key: 'mlflow.parentRunId', value: 'p0' }],
  },
};

test('what the server left out has a plain default', () => {
  const run = runFromWire(wire);
  expect(run).toMatchObject({ name: 'a1', status: 'FINISHED', parentId: 'p0', endTime: undefined, deleted: false });
  expect(run.params.size).toBe(0);
});

test('keys with a meaning in JavaScript are only keys', () => {
  expect(runFromWire(wire).metrics.get('__proto__')).toEqual({ value: NaN, step: 3, timestamp: 0 });
});

test('one wire object is read once', () => {
  expect(runFromWire(wire)).toBe(runFromWire(wire));
});

test('special numbers arrive as numbers', () => {
  expect(toNumber('NaN')).toBeNaN();
  expect(toNumber('-Infinity')).toBe(-Infinity);
  expect(toNumber(Number.MAX_VALUE)).toBe(Infinity);
  expect(toNumber(undefined)).toBe(0);
});
