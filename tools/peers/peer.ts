import { type ChildServer, type ChildServerOptions, startChildServer } from '../testkit/child-server.ts';
import { freePort } from '../testkit/free-port.ts';

/** A running store of another make. */
export interface Peer {
  /** An artifact destination in it, empty and this peer's own. */
  readonly uri: string;
  /** What a server or client of ours or MLflow's needs in its environment to reach it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

type Program = Omit<ChildServerOptions, 'isReady'> & {
  /** Whether an answer to `GET /` is this program's: a port that was free may be another's by now. */
  isItsAnswer(answer: Response): boolean;
};

const PORTS_TRIED = 3;

/** Starts a program on a free port of 127.0.0.1; one that loses the port to somebody else gets another. */
export async function startOnFreePort(
  program: (port: number) => Program,
): Promise<{ endpoint: string; server: ChildServer }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const { isItsAnswer, ...options } = program(port);
    try {
      return {
        endpoint,
        server: await startChildServer({ ...options, isReady: () => answersAs(endpoint, isItsAnswer) }),
      };
    } catch (error) {
      if (attempt === PORTS_TRIED) throw error;
    }
  }
}

async function answersAs(endpoint: string, isItsAnswer: (answer: Response) => boolean): Promise<boolean> {
  try {
    const answer = await fetch(endpoint, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return isItsAnswer(answer);
  } catch {
    return false;
  }
}
