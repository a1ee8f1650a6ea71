import { spawn } from 'node:child_process';
import { root } from './paths.ts';

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Shows its output while it runs. */
  readonly show?: boolean;
}

export interface ProgramEnd {
  /** Null when a signal ended it, or when it could not be started. */
  readonly code: number | null;
  /** Both streams together. */
  readonly output: string;
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a program to its end, without standard input. A signal that would end us first ends it and all that it started. */
export function runProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramEnd> {
  const { env, cwd = root, show = false } = options;
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    for (const [stream, shown] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (show) shown.write(text);
      });
    }
    const stop = (signal: NodeJS.Signals) => {
      child.once('close', () => process.exit(1));
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    };
    for (const signal of ENDING) process.on(signal, stop);
    child.on('close', (code) => {
      for (const signal of ENDING) process.removeListener(signal, stop);
      resolve({ code, output: output.trimEnd() });
    });
  });
}
