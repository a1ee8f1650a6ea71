import type { SearchEntity } from '../src/index.ts';

export interface Deviation {
  readonly entity: SearchEntity;
  readonly filter: string;
  /** `refuses`: MLflow takes it and we do not. `differs`: both take it and find other entities. */
  readonly ours: 'refuses' | 'differs';
  readonly why: string;
}

/** Where a filter that MLflow takes does not mean the same here. The list may only shrink: a test holds each line to it. */
export const DEVIATIONS: readonly Deviation[] = [
  { entity: 'run', filter: "params. = 'a'", ours: 'refuses', why: 'no key is empty' },
  { entity: 'run', filter: "params.`a` .b = 'x'", ours: 'refuses', why: 'half-quoted keys match nothing in MLflow' },
  { entity: 'run', filter: "params.a.`b` = 'x'", ours: 'refuses', why: 'half-quoted keys match nothing in MLflow' },
  { entity: 'run', filter: "run_id IN ('a' 'b')", ours: 'refuses', why: 'a missing comma would join two values' },
  {
    entity: 'run',
    filter: "run_id IN ('it''s')",
    ours: 'refuses',
    why: 'a doubled quote in a list vanishes in MLflow',
  },
  { entity: 'run', filter: "run_id IN (r'a')", ours: 'refuses', why: 'prefixes of Python strings' },
  {
    entity: 'run',
    filter: "params.opt = 'adam' metrics.loss IS NULL",
    ours: 'differs',
    why: 'without an AND, MLflow takes the first condition for a part of the second key',
  },
  { entity: 'logged_model', filter: 'params.opt = adam', ours: 'refuses', why: 'a string needs its quotes' },
  { entity: 'logged_model', filter: 'params.opt = "adam"', ours: 'differs', why: 'MLflow keeps the double quotes' },
  { entity: 'logged_model', filter: 'metrics."loss" > 0', ours: 'differs', why: 'MLflow keeps the double quotes' },
  { entity: 'logged_model', filter: 'params.n != 10.0', ours: 'differs', why: 'a number compares as a number here' },
  { entity: 'logged_model', filter: 'metrics.loss < inf', ours: 'refuses', why: 'infinity has no literal' },
  {
    entity: 'logged_model',
    filter: "status != 'READY'",
    ours: 'differs',
    why: 'MLflow compares its number with the text',
  },
  {
    entity: 'logged_model',
    filter: "experiment_id = '1'",
    ours: 'refuses',
    why: 'columns that MLflow exposes unawares',
  },
  { entity: 'evaluation_dataset', filter: "name > 'a'", ours: 'refuses', why: 'MLflow forgets to check the operator' },
  {
    entity: 'evaluation_dataset',
    filter: "last_updated_by RLIKE 'a'",
    ours: 'refuses',
    why: 'MLflow forgets to check the operator',
  },
  { entity: 'evaluation_dataset', filter: "tags.`team` = 'red'", ours: 'differs', why: 'MLflow keeps the backticks' },
];
