import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { type Databases, postgresMissing, sharedPostgres, startPostgres } from './index.ts';

const missing = postgresMissing();

async function query(url: string, text: string): Promise<postgres.Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

describe.skipIf(missing !== undefined)(
  `PostgreSQL for tests${missing === undefined ? '' : ` (not tested: ${missing})`}`,
  () => {
    it('gives each test a database of its own, in UTF-8', async () => {
      const cluster: Databases = await sharedPostgres();
      const [one, other] = await Promise.all([cluster.createDatabase(), cluster.createDatabase()]);
      await query(one, 'CREATE TABLE t (n int)');
      await expect(query(other, 'SELECT * FROM t')).rejects.toThrow('"t" does not exist');
      expect(await query(one, 'SHOW server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
      await cluster.dropDatabase(one);
      await expect(query(one, 'SELECT 1')).rejects.toThrow('does not exist');
    });

    it('fills a template once, however many ask at the same time', async () => {
      const cluster = await sharedPostgres();
      let prepared = 0;
      const prepare = async (url: string) => {
        prepared += 1;
        await query(url, 'CREATE TABLE t AS SELECT 7 AS n');
      };
      const urls = await Promise.all([1, 2, 3].map(() => cluster.cloneDatabase(`Testkit ${process.pid}`, prepare)));
      expect(new Set(urls).size).toBe(3);
      for (const url of urls) expect(await query(url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
      expect(prepared).toBe(1);
    });

    it('keeps what was committed through kill -9, and can be stopped, suspended and started again', async () => {
      const cluster = await startPostgres({ fsync: true });
      const url = await cluster.createDatabase();
      await query(url, 'CREATE TABLE t AS SELECT 1 AS n');
      await cluster.kill9();
      await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
      await cluster.restart();
      expect(await query(url, 'SELECT n FROM t')).toEqual([{ n: 1 }]);

      cluster.suspend();
      const asked = query(url, 'SELECT n FROM t');
      cluster.resume();
      expect(await asked).toEqual([{ n: 1 }]);
      await cluster.stop();
      await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    });
  },
);
