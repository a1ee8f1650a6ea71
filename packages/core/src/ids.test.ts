import { expect, it } from 'vitest';
import { createIds, ids, isEvaluationDatasetId, isLoggedModelId, isRunId } from './ids.ts';
import { randomRunName } from './run-name.ts';

it('makes ids of their shape, all different, over many batches', () => {
  const made = Array.from({ length: 2_000 }, () => ids.run());
  expect(made.every(isRunId)).toBe(true);
  expect(new Set(made).size).toBe(2_000);
  expect(isLoggedModelId(ids.loggedModel())).toBe(true);
  expect(isEvaluationDatasetId(ids.evaluationDataset())).toBe(true);
});

it('is repeatable with an injected source, and asks it once a batch', () => {
  let calls = 0;
  const source = (into: Uint8Array) => {
    calls += 1;
    into.fill(0xff);
  };
  const repeatable = createIds(source);
  expect(repeatable.run()).toBe('ffffffffffff4fffbfffffffffffffff');
  for (let each = 1; each < 128; each += 1) repeatable.run();
  expect(calls).toBe(1);
  repeatable.run();
  expect(calls).toBe(2);
});

it('names runs in the manner of MLflow', () => {
  for (let each = 0; each < 2_000; each += 1) expect(randomRunName()).toMatch(/^(?=.{5,20}$)[a-z]+-[a-z]+-\d{1,3}$/);
  expect(randomRunName((into) => into.fill(0))).toBe('able-acorn-0');
});
