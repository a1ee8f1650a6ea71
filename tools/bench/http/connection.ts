import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ResponseParser } from './response-parser.ts';

export class HttpFailure extends Error {}

/** One keep-alive connection to a server on this machine, one request at a time. */
export class Connection {
  #socket: Socket;
  #host: string;
  #parser: ResponseParser | undefined;
  #drain: (() => void) | undefined;
  #settle: { resolve(parser: ResponseParser): void; reject(error: Error): void } | undefined;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#host = `127.0.0.1:${port}`;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => this.#drain?.());
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new HttpFailure('the server closed the connection')));
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new Connection(socket, port);
  }

  /** Sends a request whose body, if any, is JSON text, and awaits the whole answer. Throws HttpFailure unless it is 2xx. */
  async send(method: string, path: string, body?: string, keepBody = false): Promise<ResponseParser> {
    const answer = this.#answer(keepBody);
    this.#socket.write(
      body === undefined
        ? `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n\r\n`
        : `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    return checked(await answer, method, path);
  }

  /** Sends `size` bytes as the body of a PUT: `piece`, again and again, as fast as the server takes it. */
  async upload(path: string, size: number, piece: Buffer): Promise<ResponseParser> {
    const answer = this.#answer(false);
    let answered = false;
    const note = (): void => {
      answered = true;
    };
    // An answer, or a failure, may come while the body is still being sent: the rest is not sent then.
    const early = answer.then(note, note);
    this.#socket.write(
      `PUT ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${size}\r\n\r\n`,
    );
    for (let sent = 0; sent < size && !answered; ) {
      const part = piece.subarray(0, Math.min(piece.length, size - sent));
      sent += part.length;
      if (!this.#socket.write(part)) await Promise.race([this.#drained(), early]);
    }
    return checked(await answer, 'PUT', path);
  }

  /** Resolves when the socket takes more. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drain = resolve;
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #answer(keepBody: boolean): Promise<ResponseParser> {
    this.#parser = new ResponseParser(keepBody);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  #receive(bytes: Buffer): void {
    const parser = this.#parser;
    if (parser?.push(bytes)) {
      this.#parser = undefined;
      this.#settle?.resolve(parser);
      this.#settle = undefined;
    }
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }
}

function checked(answer: ResponseParser, method: string, path: string): ResponseParser {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new HttpFailure(`${method} ${path.slice(0, 120)} answered ${answer.status}: ${answer.body.slice(0, 300)}`);
}
