import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../../../tools/testkit/temp-dir.ts';

it('has bytes, names and new folders on disk before it acknowledges', () => {
  const folder = tempDir('objects');
  const root = join(folder, 'root');
  const log = join(tempDir('strace'), 'log');
  const calls = 'fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,write';
  const script = join(import.meta.dirname, 'acknowledged-writer.ts');
  const args = ['-f', '-y', '-e', `trace=${calls}`, '-o', log, process.execPath, script, root];
  const run = spawnSync('strace', args, { encoding: 'utf8' });
  if (run.error !== undefined || /ptrace|not permitted/i.test(run.stderr)) {
    console.warn(
      `Not tested: the order of writes and syncs. strace does not run here (${run.error?.message ?? run.stderr}).`,
    );
    return;
  }
  expect(run.stdout).toBe('written\ndeleted\n');
  const trace = ended(readFileSync(log, 'utf8'));
  const line = (pattern: RegExp, from = 0): number => {
    const found = trace.findIndex((call, index) => index >= from && pattern.test(call));
    expect(found, `${pattern} after line ${from} of\n${trace.join('\n')}`).toBeGreaterThanOrEqual(0);
    return found;
  };
  const at = (path: string) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const synced = (path: string) => new RegExp(`^fsync\\(\\d+<${at(path)}>\\)`);

  const written = line(/^write\(1<.*"written/);
  const data = line(/^fdatasync\(\d+<.*\.millrace-tmp\/[^>]+>\)/);
  const renamed = line(new RegExp(`^rename.*"${at(root)}/new/folder/object"`));
  const named = line(synced(`${root}/new/folder`), renamed);
  expect([data, renamed, named, written]).toEqual([data, renamed, named, written].toSorted((a, b) => a - b));
  for (const parent of [folder, root, `${root}/new`]) expect(line(synced(parent))).toBeLessThan(written);

  const removed = line(/^rename.*\/trash-/, written);
  expect(line(synced(`${root}/new/folder`), removed)).toBeLessThan(line(/^write\(1<.*"deleted/));
}, 60_000);

/** The calls in the order in which they ended, without thread numbers: only then what they did is done. */
function ended(log: string): string[] {
  const started = new Map<string, string>();
  const calls: string[] = [];
  for (const line of log.split('\n')) {
    const [, thread = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call)?.[1];
    if (call.endsWith('<unfinished ...>')) started.set(thread, call.replace(/ *<unfinished \.\.\.>$/, ''));
    else if (resumed !== undefined) calls.push(`${started.get(thread)}${resumed}`);
    else if (call !== '') calls.push(call);
  }
  return calls;
}
