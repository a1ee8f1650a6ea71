import { expect, test } from 'vitest';
import { formatBytes, formatNumber, shortenDecimal } from './number.ts';

test.each([
  [0.04625248633765382, '0.04625'],
  [-0.5, '-0.5'],
  [128, '128'],
  [0, '0'],
  [1_234_567, '1234567'],
  [99.996, '100'],
  [2434.0567, '2434'],
  [123_456.789, '123457'],
  [0.00001234567, '1.235e-5'],
  [0.0001, '0.0001'],
  [1e-10, '1e-10'],
  [6.02214076e23, '6.022e23'],
  [NaN, 'NaN'],
  [Infinity, 'Infinity'],
  [-Infinity, '-Infinity'],
])('%f reads %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  ['0.8248969244341366', '0.8249'],
  ['-1.2345678e-7', '-1.235e-7'],
  ['0.001', '0.001'],
  ['20261121093000', '20261121093000'],
  ['1.2.3.4.5.6', '1.2.3.4.5.6'],
  ['0.12345678 s', '0.12345678 s'],
])('the param %s reads %s', (text, short) => {
  expect(shortenDecimal(text)).toBe(short);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 KB'],
  [2_000_000, '2.00 MB'],
  [123_456_789_000, '123 GB'],
])('%d bytes read %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
