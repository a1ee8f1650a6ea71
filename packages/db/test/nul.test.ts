import { read } from '@millrace/db';
import { expect, it } from 'vitest';
import { postgresMissing, sharedPostgres } from '../../../tools/testkit/index.ts';
import { PostgresDatabase } from '../src/postgres/database.ts';

const echo = read('test.echo', async (db, text: string) => (await db.all('SELECT ?::text', [text])).length);

it.skipIf(postgresMissing() !== undefined)(
  'PostgreSQL refuses a NUL in words (not tested without PostgreSQL)',
  async () => {
    const cluster = await sharedPostgres();
    const url = await cluster.createDatabase();
    const db = new PostgresDatabase(url);
    await expect(db.read(echo, 'a\0b')).rejects.toMatchObject({ code: 'INVALID_PARAMETER_VALUE', status: 400 });
    expect(await db.read(echo, 'ab')).toBe(1);
    await db.close();
    await cluster.dropDatabase(url);
  },
);
