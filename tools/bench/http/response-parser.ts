const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);

type State = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'done';

/**
 * Reads one HTTP/1.1 response from the pieces in which it arrives. Only what the servers under test send: a body of a
 * Content-Length or in chunks, no upgrade, no informational responses. Kept small so that the measuring process costs
 * the machine little.
 */
export class ResponseParser {
  status = 0;
  headers = '';
  /** Bytes of the body so far, kept or not. */
  bodyBytes = 0;
  #keepBody: boolean;
  #parts: Buffer[] = [];
  #state: State = 'head';
  #rest: Buffer = NOTHING;
  #remaining = 0;

  constructor(keepBody: boolean) {
    this.#keepBody = keepBody;
  }

  /** The body as text; empty when it was not kept. Of an answer other than 2xx it is always kept. */
  get body(): string {
    return Buffer.concat(this.#parts).toString('utf8');
  }

  /** Takes the next bytes and says whether the response is whole. */
  push(bytes: Buffer): boolean {
    let input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = NOTHING;
    for (;;) {
      if (this.#state === 'done') return true;
      if (this.#state === 'length' || this.#state === 'chunk-data') {
        if (input.length === 0) return false;
        const taken = input.subarray(0, this.#remaining);
        this.#take(taken);
        this.#remaining -= taken.length;
        input = input.subarray(taken.length);
        if (this.#remaining > 0) return false;
        this.#state = this.#state === 'length' ? 'done' : 'chunk-end';
        continue;
      }
      const mark = this.#state === 'head' ? HEAD_END : LINE_END;
      const end = input.indexOf(mark);
      if (end < 0) {
        this.#rest = input;
        return false;
      }
      this.#line(input.toString('latin1', 0, end));
      input = input.subarray(end + mark.length);
    }
  }

  #line(text: string): void {
    switch (this.#state) {
      case 'head':
        this.#head(text);
        break;
      case 'chunk-size':
        this.#remaining = Number.parseInt(text, 16);
        this.#state = this.#remaining === 0 ? 'trailer' : 'chunk-data';
        break;
      case 'chunk-end':
        this.#state = 'chunk-size';
        break;
      case 'trailer':
        if (text === '') this.#state = 'done';
        break;
    }
  }

  #head(text: string): void {
    this.status = Number(text.slice(9, 12));
    this.headers = text.toLowerCase();
    if (this.status >= 300) this.#keepBody = true;
    const length = headerValue(this.headers, 'content-length');
    if (length !== undefined) {
      this.#remaining = Number(length);
      this.#state = this.#remaining === 0 ? 'done' : 'length';
    } else if (headerValue(this.headers, 'transfer-encoding') === 'chunked') {
      this.#state = 'chunk-size';
    } else {
      this.#state = 'done';
    }
  }

  #take(bytes: Buffer): void {
    this.bodyBytes += bytes.length;
    if (this.#keepBody) this.#parts.push(bytes);
  }
}

function headerValue(headers: string, name: string): string | undefined {
  const start = headers.indexOf(`\r\n${name}:`);
  if (start < 0) return undefined;
  const from = start + name.length + 3;
  const end = headers.indexOf('\r\n', from);
  return headers.slice(from, end < 0 ? undefined : end).trim();
}
