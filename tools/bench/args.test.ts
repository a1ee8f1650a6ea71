import { describe, expect, it } from 'vitest';
import { isSelected, type Options, parseOptions } from './args.ts';

function options(...argv: string[]): Options {
  const parsed = parseOptions(argv);
  if (typeof parsed === 'string') throw new Error(`parsed as ${parsed}`);
  return parsed;
}

describe('parseOptions', () => {
  it('measures everything at the sizes of the table when nothing is said', () => {
    const parsed = options();
    expect(parsed.mode).toBe('default');
    expect(parsed.filters).toEqual([]);
    expect(parsed.sizes.flatRuns).toEqual([1_000, 100_000, 1_000_000]);
    expect(parsed.sizes.historyPoints).toBe(1_000_000);
  });

  it('takes filters and options in any order', () => {
    const parsed = options('log-metric', '--quick', '--json', 'rows.jsonl', 'search', '--ours-only', '--rounds', '7');
    expect(parsed).toMatchObject({
      filters: ['log-metric', 'search'],
      mode: 'quick',
      json: 'rows.jsonl',
      oursOnly: true,
    });
    expect(parsed.sizes.rounds).toBe(7);
    expect(options('--seconds', '9').sizes.windowSeconds).toBe(9);
  });

  it('does not let one call change the sizes of the next', () => {
    options('--quick', '--rounds', '9');
    expect(options('--quick').sizes.rounds).toBe(2);
  });

  it('says what is wrong', () => {
    expect(() => parseOptions(['--quick', '--full'])).toThrow('exclude each other');
    expect(() => parseOptions(['--rounds', '0'])).toThrow("not '0'");
    expect(() => parseOptions(['--seconds', 'many'])).toThrow("--seconds takes a whole number from 1 up, not 'many'");
    expect(() => parseOptions(['--fast'])).toThrow('--fast');
  });

  it('answers --help and --list', () => {
    expect(parseOptions(['--help'])).toBe('help');
    expect(parseOptions(['--list'])).toBe('list');
  });
});

describe('isSelected', () => {
  it('looks for any filter inside the id', () => {
    expect(isSelected('log-metric-16', [])).toBe(true);
    expect(isSelected('log-metric-16', ['metric'])).toBe(true);
    expect(isSelected('log-metric-16', ['search', '-16'])).toBe(true);
    expect(isSelected('log-metric-16', ['search'])).toBe(false);
  });
});
