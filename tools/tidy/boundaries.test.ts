import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../testkit/paths.ts';
import { tempDir } from '../testkit/temp-dir.ts';
import { readModules } from './boundaries.ts';

/** Fewer modules than this were not read: a parser that doesn't understand TypeScript reports no violation either. */
const MIN_MODULES = 100;

async function violations(files: Readonly<Record<string, string>>): Promise<string[]> {
  const dir = tempDir('boundaries');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  const { summary } = await readModules(dir, [...new Set(Object.keys(files).map((path) => path.split('/')[0]!))]);
  return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort();
}

describe('module boundaries', () => {
  it('hold in this repository', async () => {
    const { summary } = await readModules(root, ['packages', 'apps', 'tools', 'acceptance']);
    const found = summary.violations.map(({ rule, from, to, cycle }) => {
      const path = cycle === undefined ? to : cycle.map(({ name }) => name).join(' → ');
      return `${rule.name}: ${from} → ${path}`;
    });
    expect(found).toEqual([]);
    expect(summary.totalCruised).toBeGreaterThan(MIN_MODULES);
  });

  it('are seen to be crossed against an arrow, for a type too', async () => {
    const files = {
      'packages/core/src/a.ts': "import type { B } from '../../db/src/index.ts';\nexport type A = B;",
      'packages/db/src/index.ts': 'export type B = string;',
    };
    expect(await violations(files)).toEqual(['arrows of packages/core']);
  });

  it('are seen to be crossed past its exports, into tools, and into Node', async () => {
    const files = {
      'packages/db/src/a.ts': "import '../../core/src/b.ts';",
      'packages/core/src/b.ts': "import 'node:fs';\nimport '../../../tools/c.ts';",
      'tools/c.ts': 'export {};',
    };
    expect(await violations(files)).toEqual([
      'a package is entered by what it exports',
      'products do not import tools',
      'runs in a browser',
    ]);
  });

  it('are seen to be crossed by a layer, a cycle and a file that is not there', async () => {
    const files = {
      'packages/tracking/src/run.store.ts': "import './run.service.ts';\nimport './gone.ts';",
      'packages/tracking/src/run.service.ts': "import './run.store.ts';",
    };
    expect(await violations(files)).toEqual(['every import resolves', 'layer of *.store.ts', 'no cycles']);
  });

  it('let a test use the test kit, and types refer to each other', async () => {
    const files = {
      'packages/core/src/a.test.ts': "import '../../../tools/testkit/index.ts';",
      'packages/core/src/a.ts': "import type { B } from './b.ts';\nexport type A = B | string;",
      'packages/core/src/b.ts': "import type { A } from './a.ts';\nexport type B = A | number;",
      'tools/testkit/index.ts': 'export {};',
    };
    expect(await violations(files)).toEqual([]);
  });
});
