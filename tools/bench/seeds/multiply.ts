import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * What differs between a run and its copies, as SQL over the columns of the original; every other column is copied.
 * `:block` counts the copies, `:size` the runs of the original block, `:base` is the first one's id, `:count` all runs,
 * `:score` and `:name` are the ids of the metric and of the tag of which each run has a value of its own.
 */
const RUN_ID = 'run_id + :block * :size';
const LATER = 'start_time + :block * :size * 1000';
const SCORE = `((${RUN_ID} - :base) * 7919 % :count) * 1.0 / :count`;
const scored = (column: string): string => `CASE WHEN key_id = :score THEN ${SCORE} ELSE ${column} END`;

const CHANGES: Record<string, Record<string, string>> = {
  runs: {
    id: 'id + :block * :size',
    run_uuid: 'lower(hex(randomblob(16)))',
    name: "'run-' || (id + :block * :size - :base)",
    start_time: LATER,
    end_time: 'end_time + :block * :size * 1000',
  },
  metrics: { run_id: RUN_ID, timestamp: 'timestamp + :block * :size * 1000', value: scored('value') },
  latest_metrics: {
    run_id: RUN_ID,
    start_time: LATER,
    timestamp: 'timestamp + :block * :size * 1000',
    value: scored('value'),
    total: scored('total'),
    low: scored('low'),
    high: scored('high'),
  },
  params: { run_id: RUN_ID, start_time: LATER },
  tags: {
    run_id: RUN_ID,
    start_time: LATER,
    value: `CASE WHEN key_id = :name THEN 'run-' || (${RUN_ID} - :base) ELSE value END`,
  },
};

/**
 * Makes `count` runs of the first `size` in the SQLite database of this server under `folder`, which must not be
 * running. A million runs by their own requests would take too long; these rows are what the requests would leave.
 * The runs must be the only ones, seeded in order by `seededRun(…, count)`, and `count` a multiple of `size`.
 */
export function multiplyRuns(folder: string, size: number, count: number): void {
  const file = readdirSync(folder).find((name) => name.endsWith('.db'));
  if (file === undefined) throw new Error(`no database in ${folder}`);
  const db = new DatabaseSync(join(folder, file), { enableForeignKeyConstraints: false });
  try {
    db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN');
    // Bound as bigint: node:sqlite binds a number as REAL, and text made of it would end in '.0'.
    const integer = (sql: string): bigint => BigInt(Object.values(db.prepare(sql).get() ?? {})[0] as number);
    if (integer('SELECT count(*) FROM runs') !== BigInt(size))
      throw new Error(`there must be ${size} runs to multiply`);
    const fixed = {
      size: BigInt(size),
      count: BigInt(count),
      base: integer('SELECT min(id) FROM runs'),
      score: integer("SELECT id FROM keys WHERE name = 'score'"),
      name: integer("SELECT id FROM keys WHERE name = 'mlflow.runName'"),
    };
    const indexes = dropIndexes(db);
    const copies = Object.keys(CHANGES).map((table) => copyStatement(db, table, fixed));
    for (let block = 1; block < count / size; block++) for (const copy of copies) copy(block);
    for (const index of indexes) db.exec(index);
    db.exec('COMMIT; PRAGMA journal_mode = WAL');
  } finally {
    db.close();
  }
}

/** Removes the indexes that can be built in one go afterwards, and says how. */
function dropIndexes(db: DatabaseSync): string[] {
  const tables = Object.keys(CHANGES).map((table) => `'${table}'`);
  const indexes = db
    .prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN (${tables})`)
    .all();
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  return indexes.map(({ sql }) => String(sql));
}

function copyStatement(db: DatabaseSync, table: string, fixed: Record<string, bigint>): (block: number) => void {
  const columns = db
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => String(name));
  const changed = CHANGES[table]!;
  const id = table === 'runs' ? 'id' : 'run_id';
  const values = columns.map((column) => changed[column] ?? `"${column}"`);
  const statement = db.prepare(
    `INSERT INTO ${table} (${columns.map((column) => `"${column}"`)})
     SELECT ${values} FROM ${table} WHERE ${id} BETWEEN :base AND :base + :size - 1 ORDER BY ${id}`,
  );
  statement.setAllowUnknownNamedParameters(true);
  return (block) => statement.run({ ...fixed, block: BigInt(block) });
}
