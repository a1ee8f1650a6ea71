import type { Readable } from 'node:stream';
import { DomainError } from '@millrace/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import mime from 'mime-types';
import { sendError } from './errors.ts';

export interface SentFile {
  /** Bytes of the whole file, whatever range is sent. */
  readonly size: number;
  /** With its quotes. */
  readonly etag: string;
  readonly lastModified: Date;
}

/** Byte positions, both inclusive; `end` absent for the rest. */
export interface Range {
  readonly start: number;
  readonly end?: number;
}

export interface Source {
  readonly filename: string;
  stat(): Promise<SentFile>;
  open(range: Range | undefined): Promise<SentFile & { readonly stream: Readable }>;
}

/**
 * Sends a file as an attachment that a browser neither shows nor runs on this origin. One range is honoured (RFC 9110
 * section 14); of several the whole file is sent, as the RFC allows.
 */
export async function sendArtifact(
  request: FastifyRequest,
  reply: FastifyReply,
  source: Source,
): Promise<FastifyReply> {
  const { headers } = request;
  const isHead = request.method === 'HEAD';
  const conditional = headers['if-none-match'] !== undefined || headers['if-range'] !== undefined;
  const known = isHead || conditional || headers.range !== undefined ? await source.stat() : undefined;
  if (known !== undefined && headers['if-none-match'] === known.etag) {
    return reply.code(304).header('etag', known.etag).send();
  }
  const wanted = headers['if-range'] === undefined || headers['if-range'] === known?.etag ? headers.range : undefined;
  const range = known === undefined ? undefined : parseRange(wanted, known.size);
  const { size, etag, lastModified, stream } = isHead ? { ...known!, stream: undefined } : await source.open(range);
  const end = Math.min(range?.end ?? size - 1, size - 1);
  reply.headers({
    'content-type': mime.lookup(source.filename) || 'application/octet-stream',
    'content-disposition': contentDisposition(source.filename),
    'content-length': range === undefined ? size : end - range.start + 1,
    'content-security-policy': 'sandbox',
    'accept-ranges': 'bytes',
    'last-modified': lastModified.toUTCString(),
    etag,
  });
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${range.start}-${end}/${size}`);
  return reply.send(stream);
}

function parseRange(header: string | undefined, size: number): Range | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  // `-n` asks for the last n bytes.
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Number(last);
  if (end < start && first !== '' && last !== '') return undefined;
  if (start >= size) {
    throw new DomainError('INVALID_PARAMETER_VALUE', `The range '${header}' begins behind the end of ${size} bytes.`, {
      status: 416,
    });
  }
  return { start, end };
}

/** RFC 6266, with the name in UTF-8 as RFC 5987 writes it where ASCII does not do. */
function contentDisposition(filename: string): string {
  if (/^[\w.\- ]+$/.test(filename)) return `attachment; filename="${filename}"`;
  const encoded = encodeURIComponent(filename).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename*=UTF-8''${encoded}`;
}

export interface Incoming {
  readonly body: Readable;
  readonly contentLength: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Hands the request's bytes to `store`. Whatever goes wrong on the way, the rest of the body is not read: the answer
 * closes the connection.
 */
export async function receiveInto(
  request: FastifyRequest,
  reply: FastifyReply,
  store: (incoming: Incoming) => Promise<unknown>,
): Promise<FastifyReply> {
  const abort = new AbortController();
  const { raw } = request;
  const onClose = () => {
    if (!raw.complete) abort.abort();
  };
  raw.once('close', onClose);
  const length = request.headers['content-length'];
  try {
    const body = raw as Readable;
    await store({ body, contentLength: length === undefined ? undefined : Number(length), signal: abort.signal });
    return reply.type('application/json').send('{}');
  } catch (error) {
    if (!raw.complete) reply.header('connection', 'close');
    return sendError(error, request, reply);
  } finally {
    raw.off('close', onClose);
  }
}
