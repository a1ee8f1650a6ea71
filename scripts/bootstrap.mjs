#!/usr/bin/env node
// Starts Millrace from a checkout: installs packages and builds the UI when they are stale, then runs the command line on the
// pinned Node. Plain JavaScript without dependencies, because on a fresh clone any Node ≥ 18 is all there is.
//
//   bootstrap.mjs server --port 5000        the command line (apps/cli) with these arguments
//   bootstrap.mjs --task test unit          a task of the repository's own tools
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ensureInstalled } from './lib/install.mjs';
import { Failure, root } from './lib/step.mjs';
import { ensureUi } from './lib/ui.mjs';

const TASKS = {
  test: ['tools/testkit/run.ts', 'test'],
  check: ['tools/testkit/run.ts', 'check'],
  bench: ['tools/bench/main.ts'],
};

const OLDEST_LAUNCHER = 18;
const OLDEST_RUNTIME = 24;

async function main(args) {
  const major = Number.parseInt(process.versions.node, 10);
  if (major < OLDEST_LAUNCHER) {
    throw new Failure(
      `Node ${OLDEST_LAUNCHER} or newer is needed, this is ${process.version}: install it from https://nodejs.org.`,
    );
  }
  const program = resolveProgram(args);
  const { pinnedNode } = await ensureInstalled();
  const node = pinnedNode ?? (major >= OLDEST_RUNTIME ? process.execPath : undefined);
  if (node === undefined) {
    const platform = `${process.platform}-${process.arch}`;
    throw new Failure(
      `No packaged Node runs on this machine (${platform}): install Node ${OLDEST_RUNTIME} or newer (this is ${process.version}).`,
    );
  }
  if (needsUi(args)) await ensureUi(node);
  run(node, ['--disable-warning=ExperimentalWarning', ...program]);
}

/** Vite serves the sources themselves under `--dev`. */
function needsUi([command, ...rest]) {
  return command === 'server' ? !rest.includes('--dev') : command === '--task' && rest[0] === 'test';
}

/** What follows `node` on the command line: the program's file and its arguments. */
function resolveProgram(args) {
  if (args[0] !== '--task') return [join(root, 'apps/cli/src/main.ts'), ...args];
  const name = args[1];
  if (!Object.hasOwn(TASKS, name ?? ''))
    throw new Failure(`No task '${name}': ${Object.keys(TASKS).join(', ')} exist.`);
  const [file, ...given] = TASKS[name];
  if (!existsSync(join(root, file)))
    throw new Failure(`The task '${name}' is not in this checkout: ${file} is missing.`);
  return [join(root, file), ...given, ...args.slice(2)];
}

/** Becomes `node` where the system can replace a process, else starts it and passes signals and the exit status on. */
function run(node, args) {
  const env = { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/millrace'), ...process.env };
  if (typeof process.execve === 'function') {
    process.execve(node, [node, ...args], env);
  }
  const child = spawn(node, args, { stdio: 'inherit', env });
  const forward = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  child.on('error', (error) => fail(new Failure(`${node} did not start: ${error.message}`)));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of signals) process.removeListener(name, forward);
    process.kill(process.pid, signal);
  });
}

function fail(error) {
  console.error(error instanceof Failure ? `millrace: ${error.message}` : error);
  process.exit(1);
}

main(process.argv.slice(2)).catch(fail);
