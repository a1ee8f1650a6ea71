import { posix, win32 } from 'node:path';
import { DomainError } from '@millrace/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseName, joinArtifactPath, parentOf, parseArtifactPath, parseFolderPath, ROOT } from './artifact-path.ts';

const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));

const refusal = (path: string): unknown => {
  try {
    return parseArtifactPath(path);
  } catch (error) {
    return error;
  }
};

describe('parseArtifactPath', () => {
  it.each([
    'a',
    'a/b/c',
    'model/MLmodel',
    'ü/模型/🚀',
    'a b',
    '...',
    '.hidden',
    'a..b',
    '100%',
    '%41',
    'a:b/c'.slice(1),
  ])('takes %j as it is', (path) => {
    expect(parseArtifactPath(path)).toBe(path);
  });

  it.each([
    ['', 'empty'],
    ['..', "segment '..'"],
    ['a/../b', "segment '..'"],
    ['./a', "segment '.'"],
    ['/etc/passwd', "starts with '/'"],
    ['//host/x', "starts with '/'"],
    ['a//b', 'empty segment'],
    ['a/', 'empty segment'],
    ['a\\b', "'\\' is not allowed"],
    ['\\\\host\\share', "'\\' is not allowed"],
    ['C:/x', 'drives'],
    ['c:x', 'drives'],
    ['file:///etc/passwd', 'file URIs'],
    ['FILE:/etc/passwd', 'file URIs'],
    ['a\0b', 'control characters'],
    ['a\nb', 'control characters'],
    ['a\u0085b', 'control characters'],
    ['a#b', "'#' is not allowed"],
    ['%2e%2e/x', "'%2e' is encoded"],
    ['a/%2E./b', "'%2E' is encoded"],
    ['a%2Fb', "'%2F' is encoded"],
    ['a%5cb', "'%5c' is encoded"],
    ['\ud800', 'well-formed'],
    ['.millrace-tmp/x', 'reserved'],
    ['a/.Millrace-TMP', 'reserved'],
    ['x'.repeat(256), '255 bytes'],
    ['é'.repeat(128), '255 bytes'],
    [`${'x/'.repeat(512)}x`, '1024 bytes'],
  ])('refuses %j and names the rule', (path, rule) => {
    const error = refusal(path);
    expect(error).toBeInstanceOf(DomainError);
    expect(error).toMatchObject({ code: 'INVALID_PARAMETER_VALUE', status: 400 });
    expect((error as Error).message).toMatch(/^Invalid path '/);
    expect((error as Error).message).toContain(rule);
    expect((error as Error).message.length).toBeLessThan(300);
    expect((error as Error).message).not.toMatch(/\p{Cc}/u);
  });

  it('takes no spelling of a way out of the root', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '/',
      '\\',
      '%2e',
      '%2E',
      '%2f',
      '%5C',
      '%',
      '2e',
      'a',
      'C:',
      '\0',
      ' ',
      '//',
      'file:',
      '#',
      '~',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = pieces.join('');
        if (refusal(path) !== path) return;
        for (const read of [path, decodeAll(path)]) {
          expect(posix.join('/root', read)).toMatch(/^\/root\/./);
          expect(win32.resolve('C:\\root', read)).toMatch(/^C:\\root\\./);
          expect(read.split(/[/\\]/)).not.toContain('..');
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('gives every text either back unchanged or a refusal', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit }), (text) => {
        const result = refusal(text);
        expect(result === text || result instanceof DomainError).toBe(true);
      }),
    );
  });
});

describe('folders and parts of paths', () => {
  it('reads nothing as the root, and drops one trailing slash', () => {
    expect(parseFolderPath(undefined)).toBe(ROOT);
    expect(parseFolderPath('')).toBe(ROOT);
    expect(parseFolderPath('a/b/')).toBe('a/b');
    for (const path of ['/', '//', 'a//', '../', '.']) expect(() => parseFolderPath(path)).toThrow(/Invalid path/);
  });

  it('joins, and takes apart again', () => {
    const path = joinArtifactPath(ROOT, parseArtifactPath('1/abc'), ROOT, parseArtifactPath('model/MLmodel'));
    expect(path).toBe('1/abc/model/MLmodel');
    expect(baseName(path)).toBe('MLmodel');
    expect(parentOf(path)).toBe('1/abc/model');
    expect(parentOf(parseArtifactPath('top'))).toBe(ROOT);
    expect(joinArtifactPath(ROOT)).toBe(ROOT);
    const long = parseArtifactPath(`${'x/'.repeat(300)}x`);
    expect(() => joinArtifactPath(long, long)).toThrow(/1024 bytes/);
  });
});

/** As a careless reader further down would: until nothing changes. */
function decodeAll(path: string): string {
  try {
    const decoded = decodeURIComponent(path);
    return decoded === path ? path : decodeAll(decoded);
  } catch {
    return path;
  }
}
