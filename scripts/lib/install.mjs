// node_modules, in the state that package-lock.json describes.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { withLock } from './lock.mjs';
import { excerpt, Failure, root, runQuietly, say } from './step.mjs';

const modules = join(root, 'node_modules');
const stampFile = join(modules, '.millrace-install.json');
const packagedNode = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');

/**
 * Installs the packages unless the last installation was of this very lockfile on this kind of machine.
 * @returns {Promise<{ pinnedNode: string | undefined }>} the packaged Node, where one runs on this machine.
 */
export async function ensureInstalled() {
  const wanted = fingerprint();
  let stamp = readStamp();
  if (stamp?.fingerprint !== wanted) {
    stamp = await withLock(join(modules, '.millrace-lock'), async () => {
      const byAnother = readStamp();
      return byAnother?.fingerprint === wanted ? byAnother : await install(wanted);
    });
  }
  return { pinnedNode: stamp.packagedNodeRuns && existsSync(packagedNode) ? packagedNode : undefined };
}

function fingerprint() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(`${process.platform}-${process.arch}\n`).update(lock).digest('hex');
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * `npm install` rather than `npm ci`: the latter refuses a lockfile as soon as a registry lacks a package for some other
 * platform. Scripts stay off (nothing needs one), and dev and optional packages stay in whatever the user's settings say: the
 * UI's compiler is one of the former, the pinned Node one of the latter.
 */
async function install(wanted) {
  say(
    existsSync(join(modules, '.package-lock.json'))
      ? 'updating packages …'
      : 'installing packages (once, under a minute) …',
  );
  const options = [
    '--ignore-scripts',
    '--no-save',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const [file, args] = npm();
  const { ok, why, output } = await runQuietly(file, [...args, 'install', ...options], { cwd: root });
  if (!ok) {
    throw new Failure(
      `the packages could not be installed (npm: ${why}). Is the npm registry reachable?\n${excerpt(output)}`,
    );
  }
  const packagedNodeRuns = existsSync(packagedNode) && (await runQuietly(packagedNode, ['--version'], {})).ok;
  const stamp = { fingerprint: wanted, packagedNodeRuns };
  writeFileSync(`${stampFile}.new`, JSON.stringify(stamp));
  renameSync(`${stampFile}.new`, stampFile);
  return stamp;
}

/** The npm that started us, else the one on the path. */
function npm() {
  const script = process.env.npm_execpath ?? '';
  return /npm-cli\.c?js$/.test(script) ? [process.execPath, [script]] : ['npm', []];
}
