import { expect, test } from 'vitest';
import { aRun } from './fixture.ts';
import { flatRows, treeRows, uniqueRuns } from './tree.ts';

const child = (id: string, parent: string) => aRun(id, { tags: { 'mlflow.parentRunId': parent } });
const shape = (rows: ReturnType<typeof treeRows>) => rows.map(({ run, depth }) => `${'>'.repeat(depth)}${run.id}`);
const none = new Set<string>();

test('children stand under their parent, at any depth, in the order that they came', () => {
  const runs = [child('c2', 'p'), aRun('x'), child('g', 'c1'), aRun('p'), child('c1', 'p')];
  expect(shape(treeRows(runs, none))).toEqual(['x', 'p', '>c2', '>c1', '>>g']);
});

test('a closed parent hides all below it', () => {
  const runs = [aRun('p'), child('c', 'p'), child('g', 'c')];
  expect(shape(treeRows(runs, new Set(['p'])))).toEqual(['p']);
  expect(treeRows(runs, new Set(['p']))[0]?.hasChildren).toBe(true);
});

test('a child without its parent, or in a circle, is not lost', () => {
  expect(shape(treeRows([child('c', 'gone')], none))).toEqual(['c']);
  expect(shape(treeRows([child('a', 'b'), child('b', 'a')], none))).toEqual(['a', '>b']);
  expect(shape(treeRows([child('a', 'a')], none))).toEqual(['a']);
});

test('flat is flat', () => {
  expect(shape(flatRows([aRun('p'), child('c', 'p')]))).toEqual(['p', 'c']);
});

test('a run on two pages is one', () => {
  expect(uniqueRuns([aRun('a'), aRun('b'), aRun('a')]).map((run) => run.id)).toEqual(['a', 'b']);
});
