// One bootstrap at a time changes a checkout. The lock is a file that its holder touches: who dies leaves it to go cold.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import { Failure, say } from './step.mjs';

const TOUCH_MS = 5_000;
const COLD_MS = 30_000;
const POLL_MS = 250;

/** Runs `work` while holding the lock at `path`; waits for another holder first, and says so once. */
export async function withLock(path, work) {
  let told = false;
  while (!take(path)) {
    if (isAbandoned(path)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) say('another start is preparing this checkout: waiting for it.');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const release = () => rmSync(path, { force: true });
  const timer = setInterval(() => touch(path), TOUCH_MS);
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    process.removeListener('exit', release);
    release();
  }
}

function take(path) {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${process.pid} ${hostname()}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new Failure(`${dirname(path)} cannot be written (${error.code}).`);
  }
}

function isAbandoned(path) {
  try {
    const [pid, host] = readFileSync(path, 'utf8').split(' ');
    if (host === hostname() && !isAlive(Number(pid))) return true;
    return Date.now() - statSync(path).mtimeMs > COLD_MS;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function touch(path) {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Taken from us after a long sleep of the machine: the other holder touches it now.
  }
}
