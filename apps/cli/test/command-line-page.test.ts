import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@millrace/tools/testkit';
import { expect, it } from 'vitest';

const SHARED = 'Options that name an installation';
const env = { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/millrace') };

/** What `--help` says of every command that does something: its name and its flags, such as `-p, --port <port>`. */
function commandsBelow(path: readonly string[]): { name: string; flags: string[] }[] {
  const main = join(root, 'apps/cli/src/main.ts');
  const args = ['--disable-warning=ExperimentalWarning', main, ...path, '--help'];
  const [, ...parts] = execFileSync(process.execPath, args, { encoding: 'utf8', env }).split(
    /^(?=Options:|Commands:)/m,
  );
  const terms = (heading: string) => {
    const part = parts.find((text) => text.startsWith(heading)) ?? '';
    return [...part.matchAll(/^ {2}(\S.*?)(?: {2}|$)/gm)].map(([, term = '']) => term);
  };
  const below = terms('Commands:').map((term) => term.split(' ')[0]!);
  if (below.length === 0) return [{ name: ['millrace', ...path].join(' '), flags: terms('Options:') }];
  return below.filter((name) => name !== 'help').flatMap((name) => commandsBelow([...path, name]));
}

it('docs/howto/command-line.md names every command and option, and no other', () => {
  const page = readFileSync(join(root, 'docs/howto/command-line.md'), 'utf8');
  const sections = new Map(page.split(/^## /m).map((text) => [text.split('\n')[0]!, text]));
  const flagsOf = (heading: string) =>
    [...(sections.get(heading) ?? '').matchAll(/^\| `(-[^`]+)`/gm)].map(([, flag]) => flag!.replaceAll('\\|', '|'));
  const documented = [...sections.keys()]
    .filter((heading) => heading.startsWith('millrace '))
    .map((name) => {
      const shared = sections.get(name)!.includes('(#options-that-name-an-installation)') ? flagsOf(SHARED) : [];
      return { name, flags: [...flagsOf(name), ...shared].sort() };
    });
  const real = commandsBelow([]).map(({ name, flags }) => ({ name, flags: flags.sort() }));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  expect(documented.sort(byName)).toEqual(real.sort(byName));
});
