import { describe, expect, it } from 'vitest';
import { type CpuProfile, hotFunctions } from './profile.ts';

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 9 });

const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('handle', 'file:///repo/packages/http/src/app.ts'), children: [4, 5] },
    { id: 4, callFrame: frame('parse') },
    { id: 5, callFrame: frame('handle', 'file:///repo/packages/http/src/app.ts') },
  ],
  samples: [2, 3, 4, 4, 5],
  timeDeltas: [1000, 1000, 2000, 2000, 3000],
};

describe('hotFunctions', () => {
  it('adds up what each function took itself and with what it called, recursion once, idle never', () => {
    expect(hotFunctions(PROFILE)).toEqual([
      { name: 'handle packages/http/src/app.ts:10', selfMs: 4, totalMs: 8 },
      { name: 'parse', selfMs: 4, totalMs: 4 },
    ]);
  });
});
