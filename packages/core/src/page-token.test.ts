import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_PAGE_TOKEN_LENGTH } from './limits.ts';
import { decodePageToken, encodePageToken, type PageValue } from './page-token.ts';

const value: fc.Arbitrary<PageValue> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc.constant(null),
);
const position = fc.array(value, { maxLength: 5 });
const binding = fc.jsonValue() as fc.Arbitrary<Parameters<typeof encodePageToken>[1]>;

describe('a page token', () => {
  it('gives the position back as it was: int64, NaN, infinities and -0 too', () => {
    fc.assert(
      fc.property(position, binding, (given, search) => {
        const token = encodePageToken(given, search);
        expect(token).toMatch(/^[\w-]+$/);
        expect(decodePageToken(token, search)).toEqual(given);
      }),
    );
  });

  it('is refused by any other search', () => {
    fc.assert(
      fc.property(position, binding, binding, (given, search, other) => {
        fc.pre(JSON.stringify(search) !== JSON.stringify(other));
        expect(() => decodePageToken(encodePageToken(given, search), other)).toThrow('belongs to another search');
      }),
    );
  });

  it('is refused where it is not one of ours', () => {
    const of = (json: string) => Buffer.from(json).toString('base64url');
    const foreign = [
      '',
      ' ',
      '=',
      'a',
      '%%%',
      'eyJvZmZzZXQiOiA1fQ==',
      of('{"offset":5}'),
      of('5'),
      of('not json'),
      '__8',
    ];
    for (const token of foreign) expect(() => decodePageToken(token, 'x'), token).toThrow('Invalid page token');
    fc.assert(
      fc.property(fc.string(), (token) => {
        expect(() => decodePageToken(token, 'x')).toThrow('Invalid page token');
      }),
    );
    expect(() => decodePageToken('a'.repeat(MAX_PAGE_TOKEN_LENGTH + 1), 'x')).toThrow('more than');
  });

  it('is refused where its values are not of the kinds that we write', () => {
    const print = JSON.parse(Buffer.from(encodePageToken([], 'x'), 'base64url').toString())[0];
    for (const bad of [['n', '1e5'], ['n', 5], ['d', '5'], ['z', ''], [], {}]) {
      const token = Buffer.from(JSON.stringify([print, bad])).toString('base64url');
      expect(() => decodePageToken(token, 'x'), JSON.stringify(bad)).toThrow('not one that this server gave out');
    }
  });

  it('keeps searches that differ little apart', () => {
    const prints = new Set<string>();
    for (let each = 0; each < 50_000; each += 1)
      prints.add(encodePageToken([], ['run', [String(each)], `metrics.x > ${each}`]));
    expect(prints.size).toBe(50_000);
  });
});
