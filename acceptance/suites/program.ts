import { spawn } from 'node:child_process';

export interface ProgramEnd {
  /** Null when a signal ended it, or when it could not be started. */
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end and collects both its streams; past `minutes` it is killed. */
export function execute(
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly minutes: number },
): Promise<ProgramEnd> {
  const { cwd, env = process.env, minutes } = options;
  return new Promise((resolve) => {
    const chunks: string[] = [];
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: minutes * 60_000 });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output: chunks.join('') }));
  });
}

export const lastLines = (text: string, count = 40): string => text.trimEnd().split('\n').slice(-count).join('\n');
