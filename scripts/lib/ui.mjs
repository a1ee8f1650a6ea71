// apps/ui/dist, built from the sources as they are.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import process from 'node:process';
import { withLock } from './lock.mjs';
import { excerpt, Failure, root, runQuietly, say } from './step.mjs';

const ui = join(root, 'apps/ui');
const dist = join(ui, 'dist');
const fresh = join(ui, 'dist.new');
const stale = join(ui, 'dist.old');
const stampName = '.millrace-build';
const NOT_SOURCES = new Set(['node_modules', 'dist', 'dist.new', 'dist.old', 'test']);

/** Builds the UI when its sources or the lockfile changed. A failure is said, and the server starts with the API alone. */
export async function ensureUi(node) {
  if (!existsSync(join(ui, 'index.html'))) return;
  const wanted = fingerprint();
  if (builtFrom() === wanted) return;
  try {
    await withLock(join(root, 'node_modules/.millrace-lock'), async () => {
      if (builtFrom() !== wanted) await build(node, wanted);
    });
  } catch (error) {
    const meanwhile = existsSync(dist) ? 'the previous one is served' : 'only the API is served';
    say(`the UI could not be built; ${meanwhile}. ${error.message}`);
  }
}

function builtFrom() {
  const stamp = join(dist, stampName);
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined;
}

async function build(node, wanted) {
  say('building the UI …');
  rmSync(fresh, { recursive: true, force: true });
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'build', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'warn'];
  const { ok, why, output } = await runQuietly(node, args, { cwd: ui, env: { ...process.env, NO_COLOR: '1' } });
  if (!ok) throw new Failure(`Vite (${why}):\n${excerpt(output)}`);
  writeFileSync(join(fresh, stampName), wanted);
  rmSync(stale, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, stale);
  renameSync(fresh, dist);
  rmSync(stale, { recursive: true, force: true });
}

function fingerprint() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const file of sources(ui).sort()) {
    hash.update(`\n${relative(ui, file).split(sep).join('/')}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !NOT_SOURCES.has(entry.name) && !/\.test\.tsx?$/.test(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? sources(path) : [path];
    });
}
