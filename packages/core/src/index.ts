export * from './errors.ts';
export * from './filter/ast.ts';
export { type FieldGetter, like, matches, paramNumber, type StoredValue } from './filter/matches.ts';
export { parseFilter } from './filter/parser.ts';
export * from './limits.ts';
export { checkText } from './text.ts';
