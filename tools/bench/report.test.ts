import { describe, expect, it } from 'vitest';
import {
  atLeast,
  atMost,
  checkText,
  measureText,
  number,
  type Row,
  ratios,
  summary,
  tableLine,
  times,
} from './report.ts';

describe('number', () => {
  it('keeps three significant digits at any size', () => {
    expect([0.061349, 9.8449, 32.94, 111.4, 14312, 1_234_567, 0, 1].map(number)).toEqual([
      '0.0613',
      '9.84',
      '32.9',
      '111',
      '14,300',
      '1,230,000',
      '0',
      '1',
    ]);
  });

  it('is a dash where there is no number', () => {
    expect(number(Number.NaN)).toBe('–');
    expect(times(Number.POSITIVE_INFINITY)).toBe('–×');
  });
});

describe('checks', () => {
  it('turn the sign around where the target is missed', () => {
    expect(checkText(atLeast('CPU', 52, 40))).toBe('✓ CPU 52× ≥ 40×');
    expect(checkText(atLeast('CPU', 12, 40))).toBe('✗ CPU 12× < 40×');
    expect(checkText(atMost('memory', 90, 120, (mb) => `${mb} MB`))).toBe('✓ memory 90 MB ≤ 120 MB');
    expect(checkText(atMost('memory', 130, 120, (mb) => `${mb} MB`))).toBe('✗ memory 130 MB > 120 MB');
  });

  it('include the target itself and no NaN', () => {
    expect(atLeast('x', 40, 40).met).toBe(true);
    expect(atMost('x', 40, 40).met).toBe(true);
    expect(atLeast('x', Number.NaN, 1).met).toBe(false);
    expect(atMost('x', Number.NaN, 1).met).toBe(false);
  });
});

const ROW: Row = {
  id: 'log-metric-16',
  work: 'log-metric, 16 clients',
  mlflow: { cpuMs: 10, perSecond: 20, p50Ms: 500, p99Ms: 900 },
  millrace: { cpuMs: 0.1, perSecond: 9000, p50Ms: 1.5, p99Ms: 6 },
  limits: ['hello 18,000/s'],
  checks: [atLeast('speed', 450, 100), atMost('CPU', 0.1, 0.05)],
};

describe('tableLine', () => {
  it('shows both sides, how many times less ours needs, the limit and the targets', () => {
    expect(tableLine(ROW)).toBe(
      '| log-metric, 16 clients | **10 ms** CPU; 20/s; p50 500, p99 900 ms | **0.1 ms** CPU; 9,000/s; p50 1.5, p99 6 ms ' +
        '| CPU **100×**; speed 450× | hello 18,000/s | ✓ speed 450× ≥ 100×<br>✗ CPU 0.1 > 0.05 |',
    );
  });

  it('shows dashes for what was not measured, and cannot be broken by a note', () => {
    const { mlflow: _, ...alone } = ROW;
    expect(tableLine({ ...alone, limits: [], checks: [], note: 'a|b' })).toBe(
      '| log-metric, 16 clients (a\\|b) | – | **0.1 ms** CPU; 9,000/s; p50 1.5, p99 6 ms | – | – | – |',
    );
  });

  it('shows memory and start', () => {
    expect(measureText({ startSeconds: 0.4213, cpuMs: 380, residentMb: 101.2, growthMb: 12 })).toBe(
      '0.421 s; **380 ms** CPU; +12 MB; 101 MB',
    );
  });
});

describe('ratios', () => {
  it('are of starts, where that is the work', () => {
    expect(ratios({ mlflow: { startSeconds: 20 }, millrace: { startSeconds: 0.5 } })).toEqual({ wall: 40 });
  });

  it('are absent where a side is', () => {
    expect(ratios({ millrace: { cpuMs: 1, perSecond: 1 } })).toEqual({});
  });
});

describe('summary', () => {
  it('counts targets', () => {
    expect(summary([ROW, ROW])).toBe('2 of 4 targets met.');
  });
});
