import { refuse, type Token } from './lexer.ts';

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

const ILL_FORMED =
  'While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.';

/**
 * The value of a quoted string inside a list. MLflow reads lists as Python does, so that backslash escapes count here
 * and only here. A doubled quote is refused: to Python it is two strings side by side.
 */
export const listString = (token: Token): string => {
  const raw = token.value;
  if (raw.replace(/\\[\s\S]/g, '').includes(token.text[0]!)) throw refuse(ILL_FORMED, token.at);
  return raw.replace(ESCAPE, (whole, hex2, hex4, hex8, octal, other) => {
    const digits: string | undefined = hex2 ?? hex4 ?? hex8;
    const code = digits === undefined ? Number.parseInt(octal ?? '0', 8) : Number.parseInt(digits, 16);
    if (code > 0x10ffff || (other !== undefined && 'NxuU'.includes(other))) throw refuse(ILL_FORMED, token.at);
    return other === undefined ? String.fromCodePoint(code) : (SIMPLE[other] ?? whole);
  });
};
