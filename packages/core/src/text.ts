import { invalid } from './errors.ts';

const NON_ASCII_WORD = /[\p{L}\p{N}]/u;

/** Whether a code point is one that Python's `\w` takes: a letter or digit of any script, or an underscore. */
export const isWord = (code: number): boolean =>
  code < 128
    ? (code > 96 && code < 123) || (code > 64 && code < 91) || (code > 47 && code < 58) || code === 95
    : NON_ASCII_WORD.test(String.fromCodePoint(code));

/** A value for an error message: cut, so that an answer never carries a whole payload back. */
export const shown = (value: string, limit = 300): string =>
  value.length <= limit ? value : `${value.slice(0, limit).toWellFormed()}…`;

/** A list as Python prints a set of strings, in a stable order. */
export const shownSet = (values: Iterable<string>): string => `{${[...values].map((v) => `'${v}'`).join(', ')}}`;

/** Text as Python's `repr` prints it. */
export const pythonQuoted = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t\p{Cc}]/gu, (character) => PYTHON_ESCAPES[character] ?? hexEscape(character));
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
};

const PYTHON_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const hexEscape = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

const NUL = String.fromCharCode(0);

/**
 * Refuses text that could not be stored and read back unchanged.
 * @throws DomainError INVALID_PARAMETER_VALUE naming the field and the offending place.
 */
export const checkText = (name: string, value: string): void => {
  const nul = value.indexOf(NUL);
  if (nul >= 0) throw invalid(`Invalid value for '${name}': it has a NUL character at position ${nul + 1}.`);
  if (!value.isWellFormed()) {
    const at = Array.from(value).findIndex((character) => !character.isWellFormed());
    throw invalid(
      `Invalid value for '${name}': it has half a surrogate pair at character ${at + 1}; text must be valid Unicode.`,
    );
  }
};
