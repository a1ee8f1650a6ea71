import { setTimeout as sleep } from 'node:timers/promises';
import { invalid } from '@millrace/core';
import { type InsertSpec, type Migration, read, type SqlRow, type SqlValue, write } from '../src/index.ts';

export const items: Migration = {
  id: '0001-items',
  statements: ['CREATE TABLE items (id {id}, name {text} NOT NULL UNIQUE, number {int}, value {real})'],
};
export const notes: Migration = {
  id: '0002-notes',
  statements: ['CREATE TABLE notes (item_id {int} NOT NULL REFERENCES items (id), text {text} NOT NULL) {compact}'],
};

const ITEMS: InsertSpec = {
  table: 'items',
  columns: [
    ['name', 'text'],
    ['number', 'int'],
    ['value', 'real'],
  ],
  onConflict: '(name) DO NOTHING',
};
const UPSERT: InsertSpec = { ...ITEMS, onConflict: '(name) DO UPDATE SET number = excluded.number' };
const STRICT: InsertSpec = { table: ITEMS.table, columns: ITEMS.columns };

type Row = readonly [name: string, number: number | bigint | null, value: number | null];

export const insertItems = write('test.insert', (tx, rows: readonly Row[]) =>
  Promise.resolve(tx.insert(ITEMS, rows)).then((flags) => [...flags]),
);

export const upsertItems = write('test.upsert', (tx, rows: readonly Row[]) =>
  Promise.resolve(tx.insert(UPSERT, rows)).then((flags) => [...flags]),
);

export const insertStrictly = write('test.strict', async (tx, rows: readonly Row[]): Promise<void> => {
  await tx.insert(STRICT, rows);
});

/** Inserts, then fails as `how` says. */
export const failAfterInsert = write(
  'test.fail',
  async (tx, { name, how }: { name: string; how: 'refused' | 'defect' | 'sql' }): Promise<void> => {
    await tx.run('INSERT INTO items (name) VALUES (?)', [name]);
    if (how === 'refused') throw invalid(`'${name}' is refused`);
    if (how === 'sql') await tx.run('INSERT INTO no_such_table (name) VALUES (?)', [name]);
    throw new TypeError('a defect');
  },
);

/** Remembers the item's id in the dictionary; fails afterwards where told to. */
export const learn = write('test.learn', async (tx, { name, fails }: { name: string; fails: boolean }) => {
  const known = tx.dictionary.idOf(name);
  await tx.run('INSERT INTO items (name) VALUES (?) ON CONFLICT (name) DO NOTHING', [name]);
  const [row] = await tx.all<[number]>('SELECT id FROM items WHERE name = ?', [name]);
  tx.dictionary.learn(row![0], name);
  if (fails) throw invalid('told to fail');
  return { known: known ?? null, id: row![0] };
});

/** Ends the transaction behind the database's back, as a full disk does. */
export const loseTransaction = write('test.lose', async (tx, name: string): Promise<void> => {
  await tx.run('INSERT INTO items (name) VALUES (?)', [name]);
  await tx.run('ROLLBACK');
  throw new Error('the transaction is lost');
});

export const sleepAndInsert = write(
  'test.sleep',
  async (tx, { name, ms }: { name: string; ms: number }): Promise<void> => {
    await sleep(ms);
    await tx.run('INSERT INTO items (name) VALUES (?)', [name]);
  },
);

/** Takes two rows one after the other: in opposite orders, two of them wait for each other. */
export const addToBoth = write(
  'test.addToBoth',
  async (tx, [first, second]: readonly [string, string]): Promise<void> => {
    await tx.run('UPDATE items SET number = number + 1 WHERE name = ?', [first]);
    await sleep(30);
    await tx.run('UPDATE items SET number = number + 1 WHERE name = ?', [second]);
  },
);

export const killThread = write('test.kill', async (_tx, how: 'exit' | 'throw'): Promise<void> => {
  if (how === 'exit') process.exit(7);
  setImmediate(() => {
    throw new Error('nobody catches this');
  });
  await new Promise(() => {});
});

export const names = read('test.names', async (db, _input: null): Promise<string[]> => {
  return (await db.all<[string]>('SELECT name FROM items ORDER BY name')).flat();
});

export const slowNames = read('test.slowNames', async (db, ms: number): Promise<string[]> => {
  await sleep(ms);
  return (await db.all<[string]>('SELECT name FROM items ORDER BY name')).flat();
});

export const numbers = read('test.numbers', async (db, name: string): Promise<SqlRow | undefined> => {
  const [row] = await db.all<SqlValue[]>('SELECT number, value FROM items WHERE name = ?', [name]);
  return row;
});

/** Leaves a database with this table alone. */
export const makeForeign = write('test.makeForeign', async (tx, table: string): Promise<void> => {
  await tx.run('DROP TABLE items');
  await tx.run('DROP TABLE millrace_migrations');
  await tx.run(`CREATE TABLE ${table} (id INTEGER)`);
});
