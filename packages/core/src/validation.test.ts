import { describe, expect, it } from 'vitest';
import { checkText } from './text.ts';
import {
  checkMetricKey,
  checkParamKey,
  checkRegisteredModelName,
  truncateParamValue,
  truncateRunTagValue,
} from './validation.ts';

describe('keys', () => {
  it('are checked each time, however often a like one passed', () => {
    for (let each = 0; each < 10_000; each += 1) checkMetricKey(`train/loss_${each}`, each);
    expect(() => checkMetricKey('train//loss', 7)).toThrow("'metrics[7].name'");
    checkParamKey('train/loss');
    const long = `a/${'x'.repeat(249)}`;
    for (const attempt of [1, 2]) {
      expect(() => checkMetricKey(long), String(attempt)).toThrow("'Metric name' exceeds the maximum length of 250");
    }
  });

  it('are shown cut in a refusal', () => {
    const key = '$'.repeat(1_000_000);
    expect(() => checkMetricKey(key)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,1500}$/s) }),
    );
  });
});

describe('values', () => {
  it('are cut between characters, never inside one', () => {
    const value = '𝒳'.repeat(6_001);
    expect(truncateParamValue(value)).toBe('𝒳'.repeat(6_000));
    expect(() => truncateParamValue(value, false)).toThrow(
      "'Param value' exceeds the maximum length of 6000 characters",
    );
    expect(() => truncateRunTagValue('x'.repeat(8_001), false, 2)).toThrow("'tags[2].value' exceeds");
  });

  it('that no database could keep are refused with their place', () => {
    expect(() => checkText('value', 'a\0b')).toThrow(
      "Invalid value for 'value': it has a NUL character at position 2.",
    );
    expect(() => checkText('value', '𝒳\ud800b')).toThrow('half a surrogate pair at character 2');
    expect(() => truncateParamValue('a\0b')).toThrow('NUL');
    expect(() => checkRegisteredModelName('a\0b')).toThrow('NUL');
    expect(() => checkText('value', 'a\u0001\uffff𝒳é')).not.toThrow();
  });
});
