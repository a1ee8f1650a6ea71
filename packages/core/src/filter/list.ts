import { refuse } from './lexer.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
};
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/gu;

/**
 * The value of a quoted string inside a list. MLflow reads lists as Python does, so that backslash escapes count here
 * and only here.
 */
export const listString = (raw: string, at: number): string =>
  raw.includes('\\')
    ? raw.replace(ESCAPE, (whole, hex2, hex4, hex8, octal, other) => {
        const hex: string | undefined = hex2 ?? hex4 ?? hex8;
        if (hex !== undefined) return codePoint(Number.parseInt(hex, 16), at);
        if (octal !== undefined) return codePoint(Number.parseInt(octal, 8), at);
        if (other === 'N' || other === 'x' || other === 'u' || other === 'U') {
          throw refuse(
            'While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.',
            at,
          );
        }
        return SIMPLE[other] ?? whole;
      })
    : raw;

const codePoint = (code: number, at: number): string => {
  if (code <= 0x10ffff) return String.fromCodePoint(code);
  throw refuse(
    'While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.',
    at,
  );
};
