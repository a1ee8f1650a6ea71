import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../testkit/paths.ts';
import { arrows } from './boundaries.ts';

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const readManifest = (folder: string): Manifest => JSON.parse(read(join(folder, 'package.json'))) as Manifest;

const packages = globSync('{packages,apps}/*/package.json', { cwd: root })
  .map((path) => dirname(path))
  .sort();
const folderOf = new Map(packages.map((folder) => [readManifest(folder).name, folder]));

describe('packages', () => {
  it('are all in the table of arrows', () => {
    expect(packages).toEqual(Object.keys(arrows).sort());
  });

  it.each(packages)('%s depends on the packages that its arrows allow', (folder) => {
    const dependencies = Object.keys(readManifest(folder).dependencies ?? {});
    const ours = dependencies.flatMap((name) => folderOf.get(name) ?? []);
    expect(ours.filter((target) => !arrows[folder]?.includes(target))).toEqual([]);
  });

  it.each(['.', 'tools', 'acceptance', ...packages])('%s names exact versions', (folder) => {
    const { dependencies, devDependencies, optionalDependencies } = readManifest(folder);
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(all.filter(([, version]) => !/^(npm:[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('come from whatever registry the user has: the lockfile names none', () => {
    expect(read('package-lock.json').match(/"resolved": "https?:.*/)).toBeNull();
  });

  it('are all described in docs/ARCHITECTURE.md', () => {
    const text = read('docs/ARCHITECTURE.md');
    expect(packages.filter((folder) => !text.includes(folder) && !text.includes(`${folder.split('/')[1]}/`))).toEqual(
      [],
    );
  });
});
