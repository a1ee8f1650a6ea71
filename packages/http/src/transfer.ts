import type { IncomingHttpHeaders } from 'node:http';
import { pipeline, type Readable, Transform } from 'node:stream';
import { DomainError } from '@millrace/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import mime from 'mime-types';

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

export interface OpenedFile extends SentFile {
  readonly stream: Readable;
}

export interface Source {
  readonly filename: string;
  stat(): Promise<SentFile>;
  open(range: Range | undefined): Promise<OpenedFile>;
}

/** Headers whose meaning depends on what is there. */
const CONDITIONS = ['if-none-match', 'range'] as const;

/**
 * Sends a file as an attachment that a browser neither shows nor runs on this origin. One range is honoured (RFC 9110
 * section 14); of several the whole file is sent, as the RFC allows. HEAD and what a condition settles read no content.
 */
export async function sendArtifact(
  request: FastifyRequest,
  reply: FastifyReply,
  source: Source,
): Promise<FastifyReply> {
  const { headers } = request;
  const isHead = request.method === 'HEAD';
  const isConditional = CONDITIONS.some((name) => headers[name] !== undefined);
  const known = isHead || isConditional ? await source.stat() : undefined;
  if (known !== undefined && namesEtag(headers['if-none-match'], known.etag)) {
    return reply.code(304).headers(validators(known)).send();
  }
  if (known !== undefined && isHead) return reply.headers(describe(source.filename, known)).send();

  const range = known === undefined ? undefined : wantedRange(headers, known, reply);
  const opened = await source.open(range);
  if (range === undefined || opened.etag === known?.etag) return sendOpened(reply, source.filename, opened, range);
  // Replaced since the range was measured: what is there now is sent whole.
  opened.stream.destroy();
  return sendOpened(reply, source.filename, await source.open(undefined));
}

function sendOpened(reply: FastifyReply, filename: string, opened: OpenedFile, range?: WholeRange): FastifyReply {
  const length = range === undefined ? opened.size : range.end - range.start + 1;
  reply.headers({ ...describe(filename, opened), 'content-length': length });
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${opened.size}`);
  return reply.send(exactly(length, opened.stream));
}

const describe = (filename: string, file: SentFile) => ({
  ...validators(file),
  'content-type': mime.lookup(filename) || 'application/octet-stream',
  'content-disposition': contentDisposition(filename),
  'content-length': file.size,
  'content-security-policy': 'sandbox',
  'accept-ranges': 'bytes',
});

const validators = ({ etag, lastModified }: SentFile) => ({ etag, 'last-modified': lastModified.toUTCString() });

/** Whether If-None-Match names the tag; weak and strong tags compare as equal (RFC 9110 section 13.1.2). */
function namesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const opaque = (tag: string) => tag.replace(/^W\//, '');
  return (header.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => opaque(tag) === opaque(etag));
}

type WholeRange = Required<Range>;

/** The bytes that Range selects, or none where the whole file is to be sent. A range behind the end throws 416. */
function wantedRange(headers: IncomingHttpHeaders, { size, etag }: SentFile, reply: FastifyReply) {
  const condition = headers['if-range'];
  if (condition !== undefined && (condition !== etag || etag.startsWith('W/'))) return undefined;
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  // `-n` asks for the last n bytes.
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Number(last);
  if (first !== '' && end < start && last !== '') return undefined;
  if (start < size) return { start, end: Math.min(end, size - 1) };
  reply.header('content-range', `bytes */${size}`);
  throw new DomainError(
    'INVALID_PARAMETER_VALUE',
    `The range '${headers.range?.slice(0, 100)}' selects nothing in a file of ${size} bytes.`,
    { status: 416 },
  );
}

/** The stream, failing where it ends early or late: an answer must not end as if it were whole. */
function exactly(length: number, stream: Readable): Readable {
  let rest = length;
  const counter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      rest -= chunk.byteLength;
      if (rest < 0) done(new Error(`the store sent more than the ${length} bytes it announced`));
      else done(null, chunk);
    },
    flush(done) {
      done(rest === 0 ? null : new Error(`the store sent ${rest} bytes less than the ${length} it announced`));
    },
  });
  return pipeline(stream, counter, () => {});
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
    await store({ body: raw, contentLength: length === undefined ? undefined : Number(length), signal: abort.signal });
    return reply.type('application/json').send('{}');
  } finally {
    raw.off('close', onClose);
  }
}
