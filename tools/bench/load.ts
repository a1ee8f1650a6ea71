import { type ChildProcess, fork } from 'node:child_process';
import type { LoadJob, LoadResult } from './load-worker.ts';

export type { LoadJob, LoadResult } from './load-worker.ts';

type Reply = { result: LoadResult } | { error: string };

/** A process of its own that makes the load for one server, so that measuring one side never warms or slows the other. */
export class LoadGenerator {
  #child: ChildProcess;

  constructor() {
    this.#child = fork(new URL('./load-worker.ts', import.meta.url), { serialization: 'advanced', execArgv: [] });
  }

  run(job: LoadJob): Promise<LoadResult> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the load generator ended with code ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (reply: Reply) => {
        this.#child.off('exit', onExit);
        if ('error' in reply) reject(new Error(reply.error));
        else resolve(reply.result);
      });
      this.#child.send(job);
    });
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
