/**
 * MLflow's error codes and the HTTP status each one travels with.
 * A deterministic failure never maps to 429 or 5xx: clients retry those for minutes.
 */
export const HTTP_STATUS = {
  BAD_REQUEST: 400,
  INVALID_PARAMETER_VALUE: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  CUSTOMER_UNAUTHORIZED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_DOES_NOT_EXIST: 404,
  NOT_FOUND: 404,
  ENDPOINT_NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  RESOURCE_CONFLICT: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  REQUEST_LIMIT_EXCEEDED: 429,
  CANCELLED: 499,
  INTERNAL_ERROR: 500,
  NOT_IMPLEMENTED: 501,
  TEMPORARILY_UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const;

export type ErrorCode = keyof typeof HTTP_STATUS;

export interface DomainErrorOptions {
  /** Overrides the status of the code, e.g. 413 for a body over its limit. */
  readonly status?: number;
  readonly cause?: unknown;
  /** Seconds after which a retry may succeed; sent as Retry-After. */
  readonly retryAfter?: number;
}

/** An error that its reader can act on: it crosses workers and is rendered by each surface in its own way. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: DomainErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.code = code;
    this.status = options.status ?? HTTP_STATUS[code];
    this.retryAfter = options.retryAfter;
  }
}

export const invalid = (message: string): DomainError => new DomainError('INVALID_PARAMETER_VALUE', message);
export const missing = (message: string): DomainError => new DomainError('RESOURCE_DOES_NOT_EXIST', message);
export const alreadyExists = (message: string): DomainError => new DomainError('RESOURCE_ALREADY_EXISTS', message);
