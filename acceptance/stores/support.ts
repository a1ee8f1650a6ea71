import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort, type TestServer } from '@millrace/tools/testkit';

export const MIB = 1024 * 1024;

export const artifacts = '/api/2.0/mlflow-artifacts/artifacts';

/** A request whose body the test sends; its answer comes when it comes. */
export function begin(server: TestServer, method: string, path: string, headers: Record<string, string | number> = {}) {
  const outgoing = request({ method, hostname: '127.0.0.1', port: server.port, path, headers, agent: false });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
  });
  answer.catch(() => {});
  return { outgoing, answer };
}

/** Sends so many bytes, block by block, at the pace of the server. */
export async function sendBytes(
  outgoing: ClientRequest,
  size: number,
  block = Buffer.alloc(MIB, 'abcdefg'),
): Promise<void> {
  for (let rest = size; rest > 0; rest -= block.length) {
    const chunk = rest < block.length ? block.subarray(0, rest) : block;
    if (!outgoing.write(chunk) && !outgoing.destroyed) await once(outgoing, 'drain');
  }
  outgoing.end();
}

/** The bytes of an answer, counted and let go. */
export async function countBytes(answer: IncomingMessage): Promise<number> {
  let size = 0;
  for await (const chunk of answer) size += (chunk as Buffer).length;
  return size;
}

/** The path of a fresh run's artifacts in the proxied API, ending in a slash. */
export async function newRunFolder({ url }: TestServer): Promise<{ run: string; folder: string }> {
  const answer = await fetch(`${url}/api/2.0/mlflow/runs/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_id: '0' }),
  });
  const { run } = (await answer.json()) as { run: { info: { run_id: string } } };
  return { run: run.info.run_id, folder: `${artifacts}/0/${run.info.run_id}/artifacts/` };
}

/** MLflow's error body. */
export interface Refusal {
  readonly error_code: string;
  readonly message: string;
}

/** A figure in KiB of /proc/<pid>/status, in bytes. */
export function memory({ pid }: TestServer, figure: 'VmRSS' | 'VmHWM'): number {
  const match = new RegExp(`^${figure}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) * 1024;
}

/** A way to a server that can be closed and opened again, on one port. */
export class Gate {
  readonly port: number;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
  }

  /** It is closed at first: nobody listens on its port. */
  static async to(target: number): Promise<Gate> {
    return new Gate(await freePort(), target);
  }

  async open(): Promise<void> {
    this.#server = createServer((client) => {
      const target = connect(this.#target, '127.0.0.1');
      for (const socket of [client, target]) {
        this.#sockets.add(socket);
        socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      }
      client.pipe(target).pipe(client);
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    if (this.#server === undefined) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server = undefined;
    await closed;
  }
}
