import { invalid } from './errors.ts';
import { MAX_PAGE_TOKEN_LENGTH } from './limits.ts';

/** A value of the last row of a page in one of its sort columns. */
export type PageValue = string | number | bigint | boolean | null;

/** What a page belongs to: entity, ids, filter, order_by. Any JSON value; property order counts. */
export type PageBinding =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly PageBinding[]
  | { readonly [key: string]: PageBinding };

/**
 * An opaque token for the page after a keyset position. It carries no authority: it only says where to go on, and the
 * search applies its own filter and permissions again.
 */
export const encodePageToken = (position: readonly PageValue[], binding: PageBinding): string => {
  const packed = position.map(pack);
  const bytes = new TextEncoder().encode(JSON.stringify([fingerprint(binding, packed), ...packed]));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
};

/**
 * The keyset position that a token carries.
 * @throws DomainError INVALID_PARAMETER_VALUE for a token that is not ours or is of another search.
 */
export const decodePageToken = (token: string, binding: PageBinding): PageValue[] => {
  if (token.length > MAX_PAGE_TOKEN_LENGTH) {
    throw invalid(`Invalid page token: it has ${token.length} characters, more than ${MAX_PAGE_TOKEN_LENGTH}.`);
  }
  const [print, ...position] = parts(token);
  const values = position.map(unpack);
  if (print !== fingerprint(binding, position)) {
    throw invalid(
      'Invalid page token: it belongs to another search. Repeat the search with the same ids, filter and order_by, or start without a page token.',
    );
  }
  return values;
};

const malformed = () => invalid('Invalid page token: it is not one that this server gave out.');

const parts = (token: string): unknown[] => {
  if (!/^[\w-]+$/.test(token)) throw malformed();
  let parsed: unknown;
  try {
    const bytes = Uint8Array.from(atob(token.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed();
  }
  if (!Array.isArray(parsed)) throw malformed();
  return parsed;
};

/** What JSON has no word for travels as `["n", digits]` for a bigint and `["d", name]` for a double. */
const pack = (value: PageValue): unknown => {
  if (typeof value === 'bigint') return ['n', value.toString()];
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return ['d', Object.is(value, -0) ? '-0' : String(value)];
  }
  return value;
};

const unpack = (value: unknown): PageValue => {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (!Array.isArray(value) || value.length !== 2 || typeof value[1] !== 'string') throw malformed();
  const [kind, text] = value as [unknown, string];
  if (kind === 'n' && /^-?\d{1,19}$/.test(text)) return BigInt(text);
  if (kind === 'd' && /^(?:NaN|-?Infinity|-0)$/.test(text)) return Number(text);
  throw malformed();
};

/** 64 bits of binding and position, against mistakes and not against attackers: two murmur-like lanes over UTF-16 units. */
const fingerprint = (binding: PageBinding, position: readonly unknown[]): string => {
  const text = JSON.stringify([binding, position]);
  let low = 0x9e3779b9;
  let high = 0x85ebca6b;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul((high << 13) | (high >>> 19), 5) ^ Math.imul(unit + 0x7f4a7c15, 0xcc9e2d51);
  }
  return hex32(finish(low ^ Math.imul(high, 0x1b873593))) + hex32(finish(high ^ text.length));
};

const finish = (lane: number): number => {
  const once = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return twice ^ (twice >>> 16);
};

const hex32 = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');
