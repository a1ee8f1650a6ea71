import { DomainError, type ErrorCode } from '@millrace/core';

/** Errors lose their class when they cross a thread: they travel as this. */
export interface ErrorRecord {
  readonly code: ErrorCode | null;
  readonly status: number;
  readonly message: string;
  readonly retryAfter: number | undefined;
  readonly stack: string | undefined;
}

export function toRecord(error: unknown): ErrorRecord {
  if (error instanceof DomainError) {
    const { code, status, message, retryAfter } = error;
    return { code, status, message, retryAfter, stack: undefined };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { code: null, status: 500, message, retryAfter: undefined, stack };
}

export function fromRecord(record: ErrorRecord): Error {
  if (record.code !== null) {
    const { status, retryAfter } = record;
    return new DomainError(record.code, record.message, {
      status,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });
  }
  const error = new Error(record.message);
  if (record.stack !== undefined) error.stack = record.stack;
  return error;
}
