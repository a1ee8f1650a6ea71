import { list, type Reader, sql, type Transactor } from '@millrace/db';

const AT_ONCE = 500;

/** Ids of names, made where they are new. */
export async function makeKeyIds(tx: Transactor, names: Iterable<string>): Promise<Map<string, number>> {
  const wanted = [...names];
  const ids = await findKeyIds(tx, wanted);
  const fresh = wanted.filter((name) => !ids.has(name));
  if (fresh.length === 0) return ids;
  // Two transactions that make the same names in different orders would wait for each other.
  for (const name of fresh.sort()) {
    await tx.run('INSERT INTO keys (name) VALUES (?) ON CONFLICT (name) DO NOTHING', [name]);
  }
  for (const [name, id] of await findKeyIds(tx, fresh)) ids.set(name, id);
  return ids;
}

/** Ids of those names that were ever logged. */
export async function findKeyIds(db: Reader, names: Iterable<string>): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  const unknown: string[] = [];
  for (const name of names) {
    const id = db.dictionary.idOf(name);
    if (id === undefined) unknown.push(name);
    else ids.set(name, id);
  }
  for (let i = 0; i < unknown.length; i += AT_ONCE) {
    const batch = unknown.slice(i, i + AT_ONCE);
    for (const [id, name] of await db.query<[number, string]>(
      sql`SELECT id, name FROM keys WHERE name IN ${list(batch)}`,
    )) {
      ids.set(name, id);
      db.dictionary.learn(id, name);
    }
  }
  return ids;
}

/** Makes the names of these ids available through `db.dictionary.nameOf`. */
export async function learnKeyNames(db: Reader, ids: Iterable<number>): Promise<void> {
  const unknown = new Set<number>();
  for (const id of ids) if (db.dictionary.nameOf(id) === undefined) unknown.add(id);
  const wanted = [...unknown];
  for (let i = 0; i < wanted.length; i += AT_ONCE) {
    const batch = wanted.slice(i, i + AT_ONCE);
    for (const [id, name] of await db.query<[number, string]>(
      sql`SELECT id, name FROM keys WHERE id IN ${list(batch)}`,
    )) {
      db.dictionary.learn(id, name);
    }
  }
}
