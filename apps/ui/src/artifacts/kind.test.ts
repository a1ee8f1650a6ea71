import { expect, test } from 'vitest';
import { decodeText, prettyJson, previewOf } from './kind.ts';

test.each([
  ['plots/a.PNG', { kind: 'image', type: 'image/png' }],
  ['a.b.jpeg', { kind: 'image', type: 'image/jpeg' }],
  ['x.svg', { kind: 'text' }],
  ['x.html', { kind: 'text' }],
  ['model/MLmodel', { kind: 'text' }],
  ['conf.json', { kind: 'json' }],
])('%s is shown as %j', (path, preview) => {
  expect(previewOf(path, 10)).toEqual(preview);
});

test.each([
  ['model.pkl', 10],
  ['noextension', 10],
  ['x.pdf', 10],
  ['big.csv', 1_000_001],
  ['big.png', 20_000_001],
])('%s of %d bytes is only downloaded', (path, size) => {
  expect(previewOf(path, size).kind).toBe('none');
});

test('binary is not text, whatever its name says', () => {
  expect(decodeText(new Uint8Array([80, 0, 75]).buffer)).toBeUndefined();
  expect(decodeText(new TextEncoder().encode('größe').buffer)).toBe('größe');
});

test('JSON that a browser cannot read stays as it is', () => {
  expect(prettyJson('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(prettyJson('{"a": NaN}')).toBe('{"a": NaN}');
});
