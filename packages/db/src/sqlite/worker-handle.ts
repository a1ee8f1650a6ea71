import { Worker } from 'node:worker_threads';
import { DomainError } from '@millrace/core';
import { fromRecord } from '../transfer.ts';
import type { Outcome, Task, WorkerSetup } from './worker.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const stopping = () => new DomainError('TEMPORARILY_UNAVAILABLE', 'The server is stopping.', { retryAfter: 1 });

/** The calling side of a database worker: gathers the calls of one turn of the event loop into one message. */
export class WorkerHandle {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ready: Promise<void>;
  #batch: Task[] = [];
  #nextId = 1;
  #closed = false;
  #toldToEnd = false;
  #ended = false;
  #idle: (() => void) | null = null;

  /** `onDeath` hears of a worker that ended without being told to. */
  constructor(setup: WorkerSetup, onDeath: (error: Error) => void) {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: setup });
    this.#ready = new Promise((resolve, reject) => {
      this.#worker.once('message', () => {
        this.#worker.on('message', (outcomes: readonly Outcome[]) => this.#settle(outcomes));
        resolve();
      });
      const die = (error: Error) => {
        if (this.#ended) return;
        this.#ended = true;
        reject(error);
        this.#failAll(error);
        onDeath(error);
      };
      this.#worker.once('error', (error) => die(error as Error));
      // An error is followed by the exit.
      this.#worker.once('exit', (code) => {
        if (!this.#toldToEnd) die(new Error(`A database thread ended by itself (exit code ${code}).`));
        this.#ended = true;
      });
    });
    // A worker that cannot start is reported by ready(); nobody may be listening yet.
    this.#ready.catch(() => {});
  }

  get pending(): number {
    return this.#waiting.size;
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  call(name: string, input: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(stopping());
    const id = this.#nextId++;
    if (this.#batch.push([id, name, input]) === 1) setImmediate(() => this.#flush());
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Lets what is under way end, then stops the worker. */
  async close(): Promise<void> {
    this.#flush();
    this.#closed = true;
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    if (this.#ended) return;
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#toldToEnd = true;
    this.#worker.postMessage('close');
    await exited;
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    try {
      this.#worker.postMessage(batch);
    } catch (error) {
      for (const [id] of batch) this.#take(id)?.reject(error as Error);
    }
  }

  #settle(outcomes: readonly Outcome[]): void {
    for (const [id, ok, value] of outcomes) {
      const waiting = this.#take(id);
      if (ok) waiting?.resolve(value);
      else waiting?.reject(fromRecord(value));
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#idle?.();
    return waiting;
  }

  #failAll(error: Error): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#idle?.();
  }
}
