import { expect } from 'vitest';
import { committedPage, render, survey } from './coverage.ts';
import { millraceOnly, url } from './support.ts';

millraceOnly(
  'docs/coverage.md lists what the server answers',
  'it is the contract, and answers all of it',
  async () => {
    const found = await survey(url);
    expect(found.problems).toEqual([]);
    const hint =
      'The page is not what the server answers: write it anew with `node_modules/.bin/node acceptance/http/coverage.ts`';
    expect(render(found), hint).toBe(committedPage());
  },
);
