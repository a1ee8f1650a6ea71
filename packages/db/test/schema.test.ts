import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dialects } from '@millrace/tools/testkit';
import { describe, expect, it } from 'vitest';
import {
  type BackendUri,
  inspectSchema,
  type Migration,
  migrate,
  openDatabase,
  parseBackendUri,
} from '../src/index.ts';
import { insertItems, items, makeForeign, names, notes } from './test-commands.ts';

const modules = [new URL('./test-commands.ts', import.meta.url).href];
const broken: Migration = {
  id: '0003-broken',
  statements: ['CREATE TABLE half (id {id})', 'CREATE TABLE half (id {id})'],
};

const start = promisify(execFile);
const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Migrates in a process of its own. */
async function migrateElsewhere(uri: BackendUri): Promise<string[]> {
  const program = `
    const { migrate } = await import(${url('../src/index.ts')});
    const { items, notes } = await import(${url('./test-commands.ts')});
    console.log(JSON.stringify(await migrate(${JSON.stringify(uri)}, [items, notes], 1)));`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program];
  return JSON.parse((await start(process.execPath, args)).stdout) as string[];
}

for (const dialect of dialects) {
  describe(`the schema on ${dialect.name}`, () => {
    const fresh = async () => parseBackendUri((await dialect.createDatabase()).uri);

    it('is the same whether made at once or step by step', async () => {
      const atOnce = await fresh();
      expect(await inspectSchema(atOnce, [items, notes])).toEqual({ kind: 'empty' });
      expect(await migrate(atOnce, [items, notes], 1)).toEqual(['0001-items', '0002-notes']);
      const steps = await fresh();
      expect(await migrate(steps, [items], 1)).toEqual(['0001-items']);
      expect(await inspectSchema(steps, [items, notes])).toEqual({ kind: 'older', pending: ['0002-notes'] });
      expect(await migrate(steps, [items, notes], 2)).toEqual(['0002-notes']);
      expect(await migrate(steps, [items, notes], 3)).toEqual([]);
      for (const uri of [atOnce, steps]) expect(await inspectSchema(uri, [items, notes])).toEqual({ kind: 'current' });
    });

    it('of a newer program is refused in words and left as it is', async () => {
      const uri = await fresh();
      await migrate(uri, [items, notes], 1);
      await expect(migrate(uri, [items], 2)).rejects.toThrow(/written by a newer Millrace \(it has 0002-notes\)/);
      expect(await inspectSchema(uri, [items, notes])).toEqual({ kind: 'current' });
    });

    it.each([
      ['an MLflow server', 'alembic_version', /belongs to an MLflow server/],
      ['somebody else', 'customers', /already holds other tables \(customers\)/],
    ])('of %s is refused in words and left as it is', async (_whose, table, message) => {
      const uri = await fresh();
      await migrate(uri, [items], 1);
      const db = await openDatabase(uri, { modules, onDeath: () => {} });
      await db.write(makeForeign, table);
      await db.close();
      await expect(migrate(uri, [items], 2)).rejects.toThrow(message);
      expect(await inspectSchema(uri, [items])).toEqual({ kind: 'foreign', tables: [table] });
    });

    it('has nothing of a step that failed', async () => {
      const uri = await fresh();
      await migrate(uri, [items], 1);
      await expect(migrate(uri, [items, notes, broken], 2)).rejects.toThrow(/half/);
      expect(await inspectSchema(uri, [items, notes])).toEqual({ kind: 'older', pending: ['0002-notes'] });
      expect(await migrate(uri, [items, notes], 3)).toEqual(['0002-notes']);
    });

    it('is made once by servers that start together', async () => {
      const uri = await fresh();
      const applied = await Promise.all([1, 2, 3, 4].map(() => migrateElsewhere(uri)));
      expect(applied.flat().sort()).toEqual(['0001-items', '0002-notes']);
      const db = await openDatabase(uri, { modules, onDeath: () => {} });
      await db.write(insertItems, [['works', null, null]]);
      expect(await db.read(names, null)).toEqual(['works']);
      await db.close();
    });
  });
}
