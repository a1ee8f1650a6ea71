import { DomainError } from '@millrace/core';
import { dialects } from '@millrace/tools/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, migrate, openDatabase, parseBackendUri } from '../src/index.ts';
import { MAX_PENDING_SEARCHES, MAX_PENDING_WRITES } from '../src/pressure.ts';
import {
  addToBoth,
  failAfterInsert,
  insertItems,
  insertStrictly,
  items,
  killThread,
  learn,
  loseTransaction,
  names,
  numbers,
  sleepAndInsert,
  slowNames,
  upsertItems,
} from './test-commands.ts';

const modules = [new URL('./test-commands.ts', import.meta.url).href];
const row = (name: string, number: number | bigint | null = null, value: number | null = null) =>
  [name, number, value] as const;

for (const dialect of dialects) {
  describe(`a database on ${dialect.name}`, () => {
    let db: Database;
    let drop: () => Promise<void>;
    let deaths: Error[];
    let isOpen: boolean;
    beforeEach(async () => {
      const created = await dialect.createDatabase();
      drop = created.drop;
      const uri = parseBackendUri(created.uri);
      await migrate(uri, [items], 0);
      deaths = [];
      db = await openDatabase(uri, { modules, onDeath: (error) => deaths.push(error) });
      isOpen = true;
    });
    afterEach(async () => {
      if (isOpen) await db.close();
      await drop();
    });

    it('says which rows of one call were inserted, of equal ones only the first', async () => {
      expect(await db.write(insertItems, [])).toEqual([]);
      expect(await db.write(insertItems, [row('a', 1), row('b', 2), row('a', 1), row('a', 3)])).toEqual([1, 1, 0, 0]);
      expect(await db.write(insertItems, [row('c', 1), row('a', 1), row('d', null, 0.1)])).toEqual([1, 0, 1]);
      expect(await db.write(insertItems, [row('a'), row('b')])).toEqual([0, 0]);
      expect(await db.write(upsertItems, [row('a', 9), row('e', 9)])).toEqual([1, 1]);
      expect(await db.read(names, null)).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    it('says so of rows with any number', async () => {
      const values = [Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e23, 2 ** 53 + 2];
      const rows = values.map((value, i) => row(`v${i}`, 2n ** 62n + BigInt(i), value));
      expect(await db.write(insertItems, [row('v0', 0, 0), ...rows])).toEqual([1, 0, ...values.slice(1).map(() => 1)]);
    });

    it('keeps every int64 and every double', async () => {
      const int64 = fc.oneof(
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        fc.constantFrom(2n ** 53n, -(2n ** 53n) - 1n, 0n),
      );
      let n = 0;
      await fc.assert(
        fc.asyncProperty(int64, fc.double({ noNaN: true }), async (int, double) => {
          const name = `n${n++}`;
          const number = Number.isSafeInteger(Number(int)) ? Number(int) : int;
          expect(await db.write(insertItems, [row(name, number, double)])).toEqual([1]);
          for (const found of [await db.read(numbers, name), await db.search(numbers, name)]) {
            expect(found![0]).toBe(number);
            // Beyond 2^53 a whole double may come as bigint where its row holds one.
            expect(Number(found![1]) === double).toBe(true);
          }
        }),
        { numRuns: 50 },
      );
    });

    it('lets a command fail without its neighbours', async () => {
      const how = ['refused', 'defect', 'sql'] as const;
      const outcomes = await Promise.allSettled(
        Array.from({ length: 30 }, (_, i) =>
          i % 3 === 0
            ? db.write(failAfterInsert, { name: `bad${i}`, how: how[(i / 3) % 3]! })
            : db.write(insertItems, [row(`good${i}`)]),
        ),
      );
      expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(outcomes.map((_, i) => i % 3 === 0));
      const found = await db.read(names, null);
      expect(found).toHaveLength(20);
      expect(found.every((name) => name.startsWith('good'))).toBe(true);
    });

    it('passes on refusals as they are, and defects without a class', async () => {
      await expect(db.write(failAfterInsert, { name: 'x', how: 'refused' })).rejects.toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
        status: 400,
        message: "'x' is refused",
      });
      const defect = await db.write(failAfterInsert, { name: 'x', how: 'defect' }).catch((error: unknown) => error);
      expect(defect).toBeInstanceOf(Error);
      expect(defect).not.toBeInstanceOf(DomainError);
      await expect(db.write(insertStrictly, [row('twice'), row('twice')])).rejects.toThrow();
      expect(await db.read(names, null)).toEqual([]);
    });

    it('forgets names learnt in a transaction that failed', async () => {
      await expect(db.write(learn, { name: 'a', fails: true })).rejects.toThrow('told to fail');
      const other = await db.write(learn, { name: 'b', fails: false });
      const again = await db.write(learn, { name: 'a', fails: false });
      expect([other.known, again.known]).toEqual([null, null]);
      expect(again.id).not.toBe(other.id);
      expect((await db.write(learn, { name: 'a', fails: false })).known).toBe(again.id);
    });

    it('forgets them also when a neighbour in the same commit fails', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => db.write(learn, { name: `n${i % 5}`, fails: i % 2 === 0 })),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
      const ids = new Map<string, number>();
      for (let i = 0; i < 5; i++) {
        const { known, id } = await db.write(learn, { name: `n${i}`, fails: false });
        if (known !== null) expect(known).toBe(id);
        ids.set(`n${i}`, id);
      }
      expect(new Set(ids.values()).size).toBe(5);
    });

    it('reads what was written, everywhere', async () => {
      await db.write(insertItems, [row('seen')]);
      expect(await db.read(names, null)).toEqual(['seen']);
      expect(await db.search(names, null)).toEqual(['seen']);
    });

    it('ends what is under way before it closes, and refuses what comes later', async () => {
      const writes = Array.from({ length: 20 }, (_, i) => db.write(sleepAndInsert, { name: `w${i}`, ms: 5 }));
      const searches = Array.from({ length: 5 }, () => db.search(slowNames, 10));
      isOpen = false;
      await Promise.all([db.close(), ...writes, ...searches]);
      await expect(db.write(insertItems, [row('late')])).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    });

    it('refuses more than may wait, and takes more once they are done', async () => {
      const slow = db.write(sleepAndInsert, { name: 'slow', ms: 50 });
      const writes = Array.from({ length: MAX_PENDING_WRITES }, (_, i) => db.write(insertItems, [row(`w${i % 10}`)]));
      await expect(db.write(insertItems, [row('over')])).rejects.toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
        status: 429,
        retryAfter: 1,
      });
      const refused = (await Promise.allSettled(writes)).filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(1);
      await slow;
      expect(db.pendingWrites).toBe(0);
      expect(await db.write(insertItems, [row('after')])).toEqual([1]);

      const searches = Array.from({ length: MAX_PENDING_SEARCHES + 1 }, () => db.search(names, null));
      const outcomes = await Promise.allSettled(searches);
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    });
  });
}

const [sqlite, postgres] = dialects;

describe('SQLite', () => {
  let db: Database;
  let deaths: Error[];
  beforeEach(async () => {
    const uri = parseBackendUri((await sqlite!.createDatabase()).uri);
    await migrate(uri, [items], 0);
    deaths = [];
    db = await openDatabase(uri, { modules, onDeath: (error) => deaths.push(error) });
  });

  it('acknowledges none of a commit whose transaction was lost', async () => {
    const outcomes = await Promise.allSettled([
      db.write(insertItems, [row('before')]),
      db.write(loseTransaction, 'lost'),
      db.write(insertItems, [row('behind')]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await db.read(names, null)).toEqual([]);
    await db.write(insertItems, [row('next')]);
    expect(await db.read(names, null)).toEqual(['next']);
    await db.close();
  });

  it.each(['exit', 'throw'] as const)(
    'reports a thread that ends by %s, fails its callers and can still be closed',
    async (how) => {
      const outcomes = await Promise.allSettled([
        db.write(killThread, how),
        db.write(sleepAndInsert, { name: 'x', ms: 1000 }),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(deaths).toHaveLength(1);
      await expect(db.write(insertItems, [row('late')])).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
      await db.close();
    },
  );
});

describe.skipIf(postgres === undefined)('PostgreSQL (not tested without it)', () => {
  it('runs a transaction again that waited in a circle', async () => {
    const { uri, drop } = await postgres!.createDatabase();
    await migrate(parseBackendUri(uri), [items], 0);
    const db = await openDatabase(parseBackendUri(uri), { modules, onDeath: () => {} });
    await db.write(insertItems, [row('a', 0), row('b', 0)]);
    await Promise.all([db.write(addToBoth, ['a', 'b']), db.write(addToBoth, ['b', 'a'])]);
    expect(await db.read(numbers, 'a')).toEqual([2, null]);
    expect(await db.read(numbers, 'b')).toEqual([2, null]);
    await db.close();
    await drop();
  });

  it('tells its caller when it does not answer, and goes on afterwards', async () => {
    const { PostgresDatabase } = await import('../src/postgres/database.ts');
    const { uri, drop } = await postgres!.createDatabase();
    await migrate(parseBackendUri(uri), [items], 0);
    const db = new PostgresDatabase(uri, { connections: 2, answerWithinMs: 200 });
    const slow = db.write(sleepAndInsert, { name: 'slow', ms: 600 });
    await expect(slow).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE', retryAfter: 5 });
    expect(db.pendingWrites).toBe(1);
    while (db.pendingWrites > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await db.read(names, null)).toEqual(['slow']);
    await db.close();
    await drop();
  });
});
