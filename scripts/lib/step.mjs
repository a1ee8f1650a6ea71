// What every step of the bootstrap shares: where the checkout is, a line of progress, a child whose output shows only on failure.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** The checkout's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** An end that a person can act on: shown as one line, without a stack. */
export class Failure extends Error {}

/** Progress goes to stderr, so that what a command prints can be piped. */
export function say(line) {
  process.stderr.write(`millrace: ${line}\n`);
}

/**
 * Runs a program to its end. A child of ours dies with us: a signal that ends the bootstrap is passed on first.
 * @returns {Promise<{ ok: boolean, why: string, output: string }>} `why` is empty when ok.
 */
export function runQuietly(file, args, options) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (signal) => {
      child.kill(signal);
      process.exit(1);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, stop);
    const end = (ok, why) => {
      for (const signal of signals) process.removeListener(signal, stop);
      resolve({ ok, why, output: output.trimEnd() });
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => end(false, error.message));
    child.on('close', (code, signal) => end(code === 0, code === 0 ? '' : (signal ?? `exit status ${code}`)));
  });
}

/** What a failed program said, without the frames of its own stack, cut and indented. */
export function excerpt(output, lines = 15) {
  return stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => !/^\s+at /.test(line))
    .slice(0, lines)
    .map((line) => `  ${line}`)
    .join('\n');
}
