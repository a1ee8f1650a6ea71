import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../testkit/free-port.ts';
import { root } from '../testkit/paths.ts';
import { Connection } from './http/connection.ts';
import { LoadGenerator, type LoadJob } from './load.ts';
import { isRunning, processTree, residentBytes, treeCpuSeconds, treeMemoryBytes } from './process-tree.ts';
import type { Measure } from './report.ts';

export type Side = 'mlflow' | 'millrace';

/** As `npm start` runs it. */
const QUIET = ['--disable-warning=ExperimentalWarning'];
const START_LIMIT_SECONDS = 300;
/** Process groups that must not outlive this process. */
const groups = new Set<number>();

/** What is started, and where. */
export interface Program {
  name: string;
  command: string[];
  folder: string;
  env?: Record<string, string>;
  /** A path that answers 2xx as soon as the server works. */
  health: string;
}

export function mlflowProgram(command: string, folder: string): (port: number) => Program {
  return (port) => ({
    name: 'mlflow',
    command: [command, 'server', '--host', '127.0.0.1', '--port', String(port)],
    folder,
    env: { MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' },
    health: '/health',
  });
}

export function millraceProgram(folder: string, cpuProf: string | undefined): (port: number) => Program {
  const profile = cpuProf === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProf}`];
  const main = join(root, 'apps/cli/src/main.ts');
  return (port) => ({
    name: 'millrace',
    command: [process.execPath, ...QUIET, ...profile, main, 'server', '--port', String(port), '--data-dir', folder],
    folder,
    env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules/.cache/millrace') },
    health: '/health',
  });
}

/** The bare server; a durable one syncs 4 KiB before each answer. */
export function helloProgram(folder: string, durable: boolean): (port: number) => Program {
  const main = join(import.meta.dirname, 'hello.ts');
  const file = durable ? [join(folder, 'hello.synced')] : [];
  return (port) => ({ name: 'hello', command: [process.execPath, main, String(port), ...file], folder, health: '/' });
}

/** A running server: its processes, and a process that makes load for it. */
export class Server {
  readonly port: number;
  readonly startSeconds: number;
  readonly load = new LoadGenerator();
  /** CPU seconds a second that the processes use with nothing to do: polling, timers. */
  #idleRate = 0;
  #child: ChildProcess;
  #pid: number;

  private constructor(child: ChildProcess, port: number, startSeconds: number) {
    this.#child = child;
    this.#pid = child.pid!;
    this.port = port;
    this.startSeconds = startSeconds;
  }

  /** Starts a program and waits until it is healthy. Throws, with the end of its output, when it isn't in time. */
  static async start(program: (port: number) => Program): Promise<Server> {
    const port = await freePort();
    const { name, command, folder, env, health } = program(port);
    mkdirSync(folder, { recursive: true });
    const logPath = join(folder, `${name}.log`);
    const log = openSync(logPath, 'w');
    const begin = performance.now();
    const child = spawn(command[0]!, command.slice(1), {
      cwd: folder,
      env: { ...withoutSettings(), ...env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    if (child.pid !== undefined) groups.add(child.pid);
    const failure = new Promise<never>((_, reject) => child.once('error', reject));
    failure.catch(() => {});
    while (!(await Promise.race([answers(port, health), failure]))) {
      const seconds = (performance.now() - begin) / 1000;
      if (child.exitCode !== null || seconds > START_LIMIT_SECONDS) {
        groups.delete(child.pid!);
        killGroup(child.pid!, 'SIGKILL');
        throw new Error(`${name} did not get healthy: ${readFileSync(logPath, 'utf8').slice(-1000)}`);
      }
      await sleep(10);
    }
    return new Server(child, port, (performance.now() - begin) / 1000);
  }

  /** Waits until the processes rest (the real server imports for long after its first answer), and notes what rest costs. */
  async settle(): Promise<void> {
    for (let second = 0; second < START_LIMIT_SECONDS; second++) {
      this.#idleRate = await this.#cpuRate(1);
      if (this.#idleRate < 0.1) break;
    }
    this.#idleRate = await this.#cpuRate(2);
  }

  /** Makes load and says what it cost. CPU is of the server's processes, without what they use at rest. */
  async measure(job: Omit<LoadJob, 'port'>, watch: { memory: boolean } = { memory: false }): Promise<Measure> {
    const before = treeCpuSeconds(this.#pid);
    const memory = watch.memory ? this.#watchMemory() : undefined;
    const result = await this.load.run({ ...job, port: this.port });
    const growth = memory?.();
    const cpu = treeCpuSeconds(this.#pid) - before - this.#idleRate * result.seconds;
    return {
      cpuMs: (Math.max(0, cpu) * 1000) / result.operations,
      perSecond: result.operations / result.seconds,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      ...(growth === undefined ? {} : { growthMb: growth / 1e6 }),
    };
  }

  /** CPU seconds that its processes have used. */
  cpuSeconds(): number {
    return treeCpuSeconds(this.#pid);
  }

  memoryBytes(): number {
    return treeMemoryBytes(this.#pid);
  }

  /** One JSON request, outside of any measurement. */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const connection = await Connection.open(this.port);
    try {
      const text = body === undefined ? undefined : JSON.stringify(body);
      return JSON.parse((await connection.send(method, path, text, true)).body) as T;
    } finally {
      connection.close();
    }
  }

  async stop(): Promise<void> {
    this.load.close();
    const pids = processTree(this.#pid).map(({ pid }) => pid);
    killGroup(this.#pid, 'SIGTERM');
    for (let waited = 0; waited < 20 && pids.some(isRunning); waited += 0.1) await sleep(100);
    for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    groups.delete(this.#pid);
  }

  async #cpuRate(seconds: number): Promise<number> {
    const before = treeCpuSeconds(this.#pid);
    await sleep(seconds * 1000);
    return (treeCpuSeconds(this.#pid) - before) / seconds;
  }

  /** Looks at the memory every 50 ms; the function returned ends this and says by how many bytes it grew at the peak. */
  #watchMemory(): () => number {
    const pids = processTree(this.#pid).map(({ pid }) => pid);
    const before = residentBytes(pids);
    let peak = before;
    const look = (): void => {
      peak = Math.max(peak, residentBytes(pids));
    };
    const timer = setInterval(look, 50);
    return () => {
      clearInterval(timer);
      look();
      return peak - before;
    };
  }
}

process.on('exit', () => {
  for (const pid of groups) killGroup(pid, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

/** What the shell sets for clients and servers must not change what is measured. */
function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MLFLOW|MILLRACE)_/.test(name)));
}

async function answers(port: number, path: string): Promise<boolean> {
  try {
    const connection = await Connection.open(port);
    try {
      await connection.send('GET', path);
      return true;
    } finally {
      connection.close();
    }
  } catch {
    return false;
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // all of it has ended
  }
}
