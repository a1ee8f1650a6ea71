import { expect, test } from 'vitest';
import { aRun } from '../runs/fixture.ts';
import { compareKeys } from './differences.ts';

test('a key differs when a value does, or when one run lacks it', () => {
  const a = aRun('a', { params: { lr: '1', bs: '64', only: 'x' }, metrics: { loss: NaN, f1: 1 } });
  const b = aRun('b', { params: { lr: '2', bs: '64' }, metrics: { loss: NaN, f1: 2 } });
  expect(compareKeys([a, b], 'params')).toEqual([
    { key: 'bs', differs: false },
    { key: 'lr', differs: true },
    { key: 'only', differs: true },
  ]);
  expect(compareKeys([a, b], 'metrics')).toEqual([
    { key: 'f1', differs: true },
    { key: 'loss', differs: false },
  ]);
});
