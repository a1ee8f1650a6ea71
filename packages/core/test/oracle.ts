import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type Answer<T = unknown> = { ok: T } | { refused: string; code: string } | { crashed: string };

/** The real MLflow in a Python process of its own. */
export class Oracle {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = '';
  #turn: Promise<unknown> = Promise.resolve();

  constructor() {
    const python =
      process.env.MILLRACE_TEST_PYTHON ?? join(import.meta.dirname, '../../../.dev/venv-mlflow3/bin/python');
    if (!existsSync(python)) {
      throw new Error(`No Python at ${python}: set MILLRACE_TEST_PYTHON to one that has mlflow==3.17.2 installed.`);
    }
    this.#process = spawn(python, [join(import.meta.dirname, 'oracle.py')]);
    this.#process.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Answers come in the order of the questions. */
  ask<T = unknown>(question: object): Promise<Answer<T>> {
    this.#process.stdin.write(`${JSON.stringify(question)}\n`);
    const answer = this.#turn.then(async () => {
      const line = await this.#lines.next();
      if (line.done) throw new Error(`The oracle ended: ${this.#errors}`);
      return JSON.parse(line.value) as Answer<T>;
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async value<T>(question: object): Promise<T> {
    const answer = await this.ask<T>(question);
    if ('ok' in answer) return answer.ok;
    throw new Error(JSON.stringify(answer));
  }

  close(): void {
    this.#process.stdin.end();
  }
}
