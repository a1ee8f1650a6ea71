import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Closes connections on which nothing moves because the client neither sends nor reads. Where the server itself is at
 * work on an answer, the connection waits for it.
 */
export class IdleConnections {
  readonly #last = new WeakMap<Socket, Exchange>();
  readonly #timeoutMs: number;

  constructor(server: Server, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    // Node closes none by itself once somebody listens.
    server.on('timeout', (socket) => this.#expire(socket));
  }

  began(request: IncomingMessage, response: ServerResponse): void {
    this.#last.set(request.socket, { request, response });
  }

  #expire(socket: Socket): void {
    if (this.#waitsForServer(socket)) socket.setTimeout(this.#timeoutMs);
    else socket.destroy();
  }

  #waitsForServer(socket: Socket): boolean {
    const exchange = this.#last.get(socket);
    if (exchange === undefined) return false;
    const { request, response } = exchange;
    return request.complete && !response.writableEnded && socket.writableLength === 0;
  }
}
