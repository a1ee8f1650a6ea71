import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ChildServerOptions {
  /** The word for this program in messages. */
  readonly label: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** The user to run as; only root may name another one. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Resolves true once the program serves. Asked every 25 ms. */
  readonly isReady: () => Promise<boolean>;
  /** How long it may take to serve, in seconds. */
  readonly readyWithin?: number;
  /** What asks the program to end in good order. */
  readonly stopSignal?: NodeJS.Signals;
}

/** A program that serves until it is stopped. It never outlives the process that started it. */
export interface ChildServer {
  readonly pid: number;
  /** Everything it wrote so far, to either stream. */
  log(): string;
  /** Asks it to stop, and resolves to its exit code (null: ended by a signal). Twice is harmless. */
  stop(): Promise<number | null>;
  /** SIGKILL to the program and all that it started. */
  kill9(): Promise<void>;
  /** Resolves when it ends, of itself or otherwise. */
  readonly exited: Promise<number | null>;
}

const STOP_WITHIN_MS = 20_000;

export async function startChildServer(options: ChildServerOptions): Promise<ChildServer> {
  const [file, args] = guarded(
    options.file,
    options.args,
    options.stopSignal === undefined ? 'KILL' : options.stopSignal,
  );
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...options.user,
  });
  const server = new RunningChild(child, options);
  await server.untilReady();
  return server;
}

const running = new Set<RunningChild>();

process.on('exit', () => {
  for (const child of running) child.killGroup('SIGKILL');
});

class RunningChild implements ChildServer {
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #options: ChildServerOptions;
  #log = '';
  #ended = false;

  constructor(child: ChildProcess, options: ChildServerOptions) {
    this.#child = child;
    this.#options = options;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
    running.add(this);
    this.exited = new Promise((resolve) => {
      const end = (code: number | null) => {
        this.#ended = true;
        running.delete(this);
        resolve(code);
      };
      child.once('error', (error) => {
        this.#log += `${error.message}\n`;
        end(null);
      });
      child.once('exit', end);
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  log(): string {
    return this.#log;
  }

  async untilReady(): Promise<void> {
    const { label, readyWithin = 60, isReady } = this.#options;
    const deadline = Date.now() + readyWithin * 1000;
    while (!(await isReady())) {
      if (this.#ended) throw new Error(`${label} ended before it served:\n${this.#log}`);
      if (Date.now() > deadline) {
        await this.kill9();
        throw new Error(`${label} did not serve within ${readyWithin} s:\n${this.#log}`);
      }
      await sleep(25);
    }
  }

  async stop(): Promise<number | null> {
    if (!this.#ended) this.#child.kill(this.#options.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => {
      this.#log += `(still running ${STOP_WITHIN_MS / 1000} s after it was asked to stop: killed)\n`;
      this.killGroup('SIGKILL');
    }, STOP_WITHIN_MS);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
      this.killGroup('SIGKILL');
    }
  }

  async kill9(): Promise<void> {
    this.killGroup('SIGKILL');
    await this.exited;
  }

  /** The group is the child's own (it was started detached), so this also ends workers that it left behind. */
  killGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  }
}

let hasSetpriv: boolean | undefined;

/** On Linux the kernel itself ends the program when its starter dies, even by SIGKILL. */
function guarded(file: string, args: readonly string[], signal: string): [string, string[]] {
  hasSetpriv ??= process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0;
  return hasSetpriv ? ['setpriv', ['--pdeathsig', signal.replace(/^SIG/, ''), file, ...args]] : [file, [...args]];
}

/** True when a GET of `url` answers 2xx. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
