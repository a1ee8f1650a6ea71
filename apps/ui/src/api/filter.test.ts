import { expect, test } from 'vitest';
import { identifier, likePattern, orderBy } from './filter.ts';

test('a name is searched for with the quote that it does not hold', () => {
  expect(likePattern('resnet')).toBe("'%resnet%'");
  expect(likePattern("dana's")).toBe('"%dana\'s%"');
  expect(likePattern('a"b\'c')).toBe("'%a\"b_c%'");
});

test('keys are quoted whatever they hold, attributes are not', () => {
  expect(identifier('start_time')).toBe('attributes.start_time');
  expect(identifier('metrics.val/loss 1')).toBe('metrics.`val/loss 1`');
  expect(identifier('params.model.depth')).toBe('params.`model.depth`');
});

test('a minus sorts downwards', () => {
  expect(orderBy('-metrics.loss')).toBe('metrics.`loss` DESC');
  expect(orderBy('run_name')).toBe('attributes.run_name ASC');
});
