import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../testkit/paths.ts';

const MAX_LINES = 500;

/** What git has or would add: all text that this project publishes. */
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile());

const text = new Map(files.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
const code = files.filter((path) => /\.(m?[jt]sx?|css|py|java|sh)$/.test(path) && !/\.generated\./.test(path));
const typescript = code.filter((path) => /\.tsx?$/.test(path));

/** `file:line: text` of every such line. */
function linesWhere(paths: readonly string[], isFound: (line: string) => boolean): string[] {
  return paths.flatMap((path) =>
    text
      .get(path)!
      .split('\n')
      .flatMap((line, index) => (isFound(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
}

describe('source files', () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const lines = (path: string) => text.get(path)!.split('\n').length - 1;
    expect(code.filter((path) => lines(path) > MAX_LINES).map((path) => `${path}: ${lines(path)}`)).toEqual([]);
  });

  it('are named in kebab-case', () => {
    const named = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.tsx?$/;
    expect(typescript.filter((path) => !named.test(basename(path)))).toEqual([]);
  });

  it('do not switch the type checker off', () => {
    const switchOff = /@ts-(ignore|nocheck)\b|biome-ignore\S*\s+lint\/suspicious\/noExplicitAny/;
    expect(linesWhere(typescript, (line) => switchOff.test(line))).toEqual([]);
  });

  it('leave nothing to be done', () => {
    const mark = /(\/\/|\/\*|#|^\s*\*)\s*(TODO|FIXME|XXX|HACK)\b/;
    expect(linesWhere(code, (line) => mark.test(line))).toEqual([]);
  });

  it('name no folder of the machine that they were written on', () => {
    const folders = [`${root}/`, `${homedir()}/`];
    expect(linesWhere(files, (line) => folders.some((folder) => line.includes(folder)))).toEqual([]);
  });
});

describe('test files', () => {
  const tests = typescript.filter((path) => path.endsWith('.test.ts') || path.startsWith('acceptance/'));

  it('run all their tests', () => {
    const unrun = /\b(it|test|describe)(\.\w+)*\.(only|todo|fails)\b/;
    expect(linesWhere(tests, (line) => unrun.test(line))).toEqual([]);
  });

  it('say in the name of a test that may be skipped why it is', () => {
    // Suites that judge the real server too (`target`) leave out what it has no equivalent of.
    const unexplained = tests.flatMap((path) =>
      [...text.get(path)!.matchAll(/\.(skip|skipIf|runIf)\(.*\n?.*/g)]
        .map(([lines]) => lines)
        .filter((lines) => !/not tested|reason|target === 'mlflow'/.test(lines))
        .map((lines) => `${path}: ${lines.slice(0, 120)}`),
    );
    expect(unexplained).toEqual([]);
  });
});
