import { invalid } from './errors.ts';

const NON_ASCII_WORD = /[\p{L}\p{N}]/u;

/** Whether a code point is one that Python's `\w` takes: a letter or digit of any script, or an underscore. */
export const isWord = (code: number): boolean =>
  code < 128
    ? (code > 96 && code < 123) || (code > 64 && code < 91) || (code > 47 && code < 58) || code === 95
    : NON_ASCII_WORD.test(String.fromCodePoint(code));

/** A value for an error message: cut, so that an answer never carries a whole payload back. */
export const shown = (value: string, limit = 200): string =>
  value.length <= limit ? value : `${value.slice(0, limit).toWellFormed()}…`;

/** A list as Python prints a set of strings, in a stable order. */
export const shownSet = (values: Iterable<string>): string => `{${[...values].map((v) => `'${v}'`).join(', ')}}`;

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
