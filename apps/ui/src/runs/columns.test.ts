import { expect, test } from 'vitest';
import { autoColumns, catalogOf, columnKey, columnKind, isColumn, isNumeric } from './columns.ts';
import { aRun } from './fixture.ts';

const auto = (...runs: Parameters<typeof autoColumns>[0]) => autoColumns(runs, catalogOf(runs));

test('what varies is shown, what is the same everywhere is not', () => {
  const a = aRun('a', { metrics: { loss: 1, steps: 10 }, params: { lr: '0.1', model: 'resnet' } });
  const b = aRun('b', { metrics: { loss: 2, steps: 10 }, params: { lr: '0.2', model: 'resnet' } });
  expect(auto(a, b)).toEqual(['metrics.loss', 'params.lr']);
});

test('a run alone shows all it has', () => {
  expect(auto(aRun('a', { metrics: { loss: 1 }, params: { lr: '0.1' } }))).toEqual(['metrics.loss', 'params.lr']);
});

test('metrics that are equal are better than none', () => {
  expect(auto(aRun('a', { metrics: { f1: 1 } }), aRun('b', { metrics: { f1: 1 } }))).toEqual(['metrics.f1']);
});

test('a key that one run lacks does not vary for that', () => {
  expect(auto(aRun('a', { params: { lr: '1' } }), aRun('b'))).toEqual([]);
});

test('common keys come first, and a thousand keys make few columns', () => {
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, i]));
  const runs = [aRun('a', { metrics: { ...wide, loss: 1 } }), aRun('b', { metrics: { loss: 2 } })];
  const columns = autoColumns(runs, catalogOf(runs));
  expect(columns[0]).toBe('metrics.loss');
  expect(columns.length).toBeLessThan(20);
});

test('system metrics and tags of MLflow itself are not offered', () => {
  const catalog = catalogOf([aRun('a', { metrics: { 'system/cpu': 1 }, tags: { 'mlflow.user': 'x', team: 'y' } })]);
  expect(catalog).toEqual({ metrics: [], params: [], tags: ['team'] });
});

test('params that all read as numbers align as numbers', () => {
  const runs = [aRun('a', { params: { lr: '1e-3', opt: '1' } }), aRun('b', { params: { opt: 'adam' } })];
  expect(isNumeric(runs, 'params.lr')).toBe(true);
  expect(isNumeric(runs, 'params.opt')).toBe(false);
  expect(isNumeric(runs, 'params.absent')).toBe(false);
});

test('an id splits at its first dot', () => {
  expect([columnKind('params.model.depth'), columnKey('params.model.depth')]).toEqual(['params', 'model.depth']);
  expect(isColumn('metrics.')).toBe(false);
  expect(isColumn('start_time')).toBe(false);
});
