import { describe, expect, it } from 'vitest';
import { descendants, isRunning, parseStat, processTree, treeCpuSeconds, treeMemoryBytes } from './process-tree.ts';

const LINE =
  '4711 (a b) (c) S 42 4711 4711 0 -1 4194560 100 0 0 0 150 50 20 30 20 0 3 0 1000 2000000 256 18446744073709551615 1 1';

describe('parseStat', () => {
  it('reads past a command that holds spaces and parentheses', () => {
    expect(parseStat(LINE)).toEqual({ pid: 4711, parent: 42, state: 'S', cpuSeconds: 2.5 });
  });
});

describe('descendants', () => {
  const process = (pid: number, parent: number) => ({ pid, parent, state: 'S', cpuSeconds: 0 });

  it('finds children of children, listed in any order, and no strangers', () => {
    const all = [process(30, 20), process(99, 1), process(20, 10), process(10, 1), process(21, 10)];
    const pids = descendants(all, 10).map(({ pid }) => pid);
    expect(pids.toSorted()).toEqual([10, 20, 21, 30]);
  });

  it('is empty for a process that is gone', () => {
    expect(descendants([process(20, 10)], 10)).toEqual([]);
  });
});

describe.skipIf(globalThis.process.platform !== 'linux')(
  'the process that runs this test (not tested without /proc)',
  () => {
    it('has used time and memory', () => {
      const own = processTree(globalThis.process.pid)[0]!;
      expect(own.parent).toBe(globalThis.process.ppid);
      expect(isRunning(globalThis.process.pid)).toBe(true);
      expect(treeCpuSeconds(globalThis.process.pid)).toBeGreaterThan(0);
      expect(treeMemoryBytes(globalThis.process.pid)).toBeGreaterThan(1024 * 1024);
    });
  },
);
