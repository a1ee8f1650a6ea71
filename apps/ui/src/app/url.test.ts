import { expect, test } from 'vitest';
import { nextSort, parseSearch, searchOf, splitList, stringifySearch } from './url.ts';

test('what is written is read back', () => {
  const search = { filter: `metrics.loss < 0.1 AND params."a b" = 'x&y'`, sort: '-metrics.val/loss', cols: 'a,b' };
  expect(parseSearch(stringifySearch(search))).toEqual(search);
});

test('values that look like JSON stay text', () => {
  expect(parseSearch('?filter=true&sort=1&view=%7B%7D')).toEqual({ filter: 'true', sort: '1', view: '{}' });
});

test('a first state has a bare URL', () => {
  expect(stringifySearch({ filter: '', sort: undefined })).toBe('');
});

test('a screen keeps only what it knows', () => {
  expect(searchOf('filter', 'sort')({ filter: 'x', sort: 3, evil: 'y' })).toEqual({ filter: 'x' });
});

test('a header sorts in its natural direction first, then turns', () => {
  expect(nextSort('-start_time', 'metrics.acc', 'desc')).toBe('-metrics.acc');
  expect(nextSort('-metrics.acc', 'metrics.acc', 'desc')).toBe('metrics.acc');
  expect(nextSort('metrics.acc', 'metrics.acc', 'desc')).toBe('-metrics.acc');
  expect(nextSort('-start_time', 'run_name', 'asc')).toBe('run_name');
});

test('a list has no empty items', () => {
  expect(splitList('a,,b,')).toEqual(['a', 'b']);
  expect(splitList(undefined)).toEqual([]);
});
