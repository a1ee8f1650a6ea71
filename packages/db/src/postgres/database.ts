import postgres from 'postgres';
import type { Database, Read, Write } from '../access.ts';
import type { DictionaryEntries } from '../dictionary.ts';
import { asDomainError, isTransient, PostgresSession } from './connection.ts';

const MAX_ATTEMPTS = 5;
const STATEMENT_TIMEOUT_MS = 30_000;

export function connect(url: string, connections: number): postgres.Sql {
  return postgres(url, {
    max: connections,
    connect_timeout: 2,
    idle_timeout: 300,
    onnotice: () => {},
    connection: { application_name: 'millrace', statement_timeout: STATEMENT_TIMEOUT_MS },
    types: {
      // int8 as number where that is exact, else as bigint.
      int8: {
        to: 20,
        from: [20],
        serialize: (value: number | bigint) => String(value),
        parse: (text: string) => {
          const number = Number(text);
          return Number.isSafeInteger(number) ? number : BigInt(text);
        },
      },
    },
  });
}

/** PostgreSQL: any number of servers share one database; nothing that another server needs lives in this process. */
export class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly #pool: postgres.Sql;
  readonly #session: PostgresSession;
  readonly #committed: DictionaryEntries = { ids: new Map(), names: new Map() };
  #pending = 0;

  constructor(url: string, connections = 16) {
    this.#pool = connect(url, connections);
    this.#session = new PostgresSession(this.#pool, this.#committed);
  }

  get pendingWrites(): number {
    return this.#pending;
  }

  async write<I, O>(command: Write<I, O>, input: I): Promise<O> {
    this.#pending++;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#commit(command, input);
        } catch (error) {
          if (!isTransient(error) || attempt === MAX_ATTEMPTS) throw asDomainError(error);
        }
      }
    } finally {
      this.#pending--;
    }
  }

  async #commit<I, O>(command: Write<I, O>, input: I): Promise<O> {
    let session: PostgresSession | undefined;
    const output = (await this.#pool.begin((tx) => {
      session = new PostgresSession(tx, this.#committed);
      return command.run(session, input);
    })) as O;
    session?.dictionary.commit();
    return output;
  }

  async read<I, O>(query: Read<I, O>, input: I): Promise<O> {
    try {
      const output = await query.run(this.#session, input);
      this.#session.dictionary.commit();
      return output;
    } catch (error) {
      throw asDomainError(error);
    }
  }

  /** A search runs several statements: one snapshot for all of them. */
  async search<I, O>(query: Read<I, O>, input: I): Promise<O> {
    try {
      return (await this.#pool.begin('ISOLATION LEVEL REPEATABLE READ READ ONLY', (tx) =>
        query.run(new PostgresSession(tx, this.#committed), input),
      )) as O;
    } catch (error) {
      throw asDomainError(error);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end({ timeout: 10 });
  }
}
