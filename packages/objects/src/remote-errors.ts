import { DomainError } from '@millrace/core';

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** The code by which the network failed, found in the error, its causes or what it gathers. */
export function networkCode(error: unknown): string | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth += 1) {
    if ('code' in each && typeof each.code === 'string' && UNREACHABLE.has(each.code)) return each.code;
    if (each instanceof AggregateError) {
      for (const inner of each.errors) {
        const code = networkCode(inner);
        if (code !== undefined) return code;
      }
    }
  }
  return undefined;
}

export const unavailable = (what: string, why: string, cause: unknown): DomainError =>
  new DomainError('TEMPORARILY_UNAVAILABLE', `${what} cannot be reached at the moment: ${why}`, {
    retryAfter: 5,
    cause: bare(cause),
  });

/** The server's own access to a store is refused: nothing that a retry or another request changes. */
export const accessRefused = (message: string, cause: unknown): DomainError =>
  new DomainError('PERMISSION_DENIED', message, { cause: bare(cause) });

/** A refusal that nobody foresaw; what the store said may help an operator. */
export const unexpected = (what: string, said: string, cause: unknown): DomainError =>
  new DomainError('INTERNAL_ERROR', `${what} answered ${said}`, { cause: bare(cause) });

/** An SDK's error holds the request, credentials and all: only its words and its origin go on, to be logged. */
function bare(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const { name, message, stack } = cause;
  return Object.assign(new Error(message), { name, stack });
}
