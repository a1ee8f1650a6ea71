import { describe, expect, it } from 'vitest';
import { interleaved, median, medians, quantile } from './statistics.ts';

describe('quantile', () => {
  it('is the nearest rank, whatever the order of the values', () => {
    const values = [5, 1, 4, 2, 3, 10, 9, 8, 7, 6];
    expect(quantile(values, 0.5)).toBe(5);
    expect(quantile(values, 0.99)).toBe(10);
    expect(quantile(values, 0)).toBe(1);
    expect(quantile(values, 1)).toBe(10);
    expect(values[0]).toBe(5);
  });

  it('sorts as numbers, not as text', () => {
    expect(quantile([100, 9, 20], 1)).toBe(100);
  });

  it('is NaN of nothing', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('median', () => {
  it('is the middle, or the mean of both middles', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });
});

describe('medians', () => {
  it('takes each field by itself and leaves absent what nobody measured', () => {
    const samples: { cpuMs?: number; peakMb?: number; seconds?: number }[] = [
      { cpuMs: 1 },
      { cpuMs: 3, peakMb: 50 },
      { cpuMs: 2 },
    ];
    expect(medians(samples)).toEqual({ cpuMs: 2, peakMb: 50 });
  });
});

describe('interleaved', () => {
  it('turns the order around in every second round', () => {
    const order = [0, 1, 2, 3].flatMap((round) => interleaved(['A', 'B'], round));
    expect(order.join('')).toBe('ABBAABBA');
  });
});
