import { randomUUID } from 'node:crypto';
import { DomainError, type ErrorCode } from '@millrace/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerAndDrain, hasUnreadBody } from './refusal.ts';

/** MLflow's error body. */
export interface ErrorBody {
  readonly error_code: ErrorCode;
  readonly message: string;
}

/** Limits that Fastify itself enforces, in the words of this API. */
const FRAMEWORK: Record<string, (error: Error & { statusCode?: number }) => DomainError> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new DomainError('INVALID_PARAMETER_VALUE', `The request body is over the limit of ${JSON_BODY_LIMIT} bytes.`, {
      status: 413,
    }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new DomainError('BAD_REQUEST', 'The request body is not as long as its Content-Length header says.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new DomainError('BAD_REQUEST', 'The Content-Type header is not a media type.'),
  FST_ERR_BAD_URL: () => new DomainError('BAD_REQUEST', 'The URL is not correctly percent-encoded.'),
  FST_ERR_MAX_PARAM_LENGTH: () => new DomainError('BAD_REQUEST', 'A part of the URL is too long.', { status: 414 }),
};

/** 16 MiB: a log-batch of 1,000 metrics with the longest keys fits many times. */
export const JSON_BODY_LIMIT = 16 * 1024 * 1024;

export function toDomainError(error: unknown, request: FastifyRequest): DomainError {
  if (error instanceof DomainError) return error;
  const known = FRAMEWORK[(error as { code?: string }).code ?? ''];
  if (known !== undefined) return known(error as Error);
  // A client that left is no failure of the server, and nobody reads the answer.
  if (request.raw.destroyed && !request.raw.complete) {
    return new DomainError('CANCELLED', 'The client closed the connection before its request was complete.');
  }
  // Whoever asks gets a name for what happened, whoever runs the server gets the rest of it in the log.
  const incident = randomUUID();
  request.log.error({ err: error, incident, url: request.url }, 'request failed');
  return new DomainError(
    'INTERNAL_ERROR',
    `The server failed to answer; its log has the details as incident ${incident}.`,
  );
}

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code, message, status, retryAfter } = toDomainError(error, request);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  const body: ErrorBody = { error_code: code, message };
  const text = JSON.stringify(body);
  reply.code(status).type('application/json');
  if (!hasUnreadBody(request.raw)) return reply.send(text);
  return reply
    .headers({ connection: 'close', 'content-length': Buffer.byteLength(text) })
    .send(answerAndDrain(text, request.raw));
}
