import { DomainError } from '@millrace/core';
import postgres from 'postgres';
import type { Database, Read, Write } from '../access.ts';
import { CommittedNames } from '../dictionary.ts';
import { Gate, Lane, MAX_PENDING_READS, MAX_PENDING_SEARCHES, MAX_PENDING_WRITES } from '../pressure.ts';
import { asDomainError, isConnectionLost, isTransient, PostgresSession } from './connection.ts';

const MAX_ATTEMPTS = 5;
const STATEMENT_TIMEOUT_MS = 30_000;

export function connect(url: string, connections: number): postgres.Sql {
  return postgres(url, {
    max: connections,
    connect_timeout: 2,
    // Seconds between attempts: a database that is back is found soon.
    backoff: (failures: number) => Math.min(0.05 * 2 ** failures, 0.5),
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

/** Connections that searches leave free for writes and point reads. */
const FREE_OF_SEARCHES = 6;

export interface PostgresOptions {
  readonly connections?: number;
  /** The time after which a caller is told that the database does not answer: longer than the statement timeout. */
  readonly answerWithinMs?: number;
}

/** PostgreSQL: any number of servers share one database; nothing that another server needs lives in this process. */
export class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly #pool: postgres.Sql;
  readonly #session: PostgresSession;
  readonly #committed = new CommittedNames();
  readonly #answerWithinMs: number;
  readonly #writes = new Gate('writes', MAX_PENDING_WRITES);
  readonly #reads = new Gate('reads', MAX_PENDING_READS);
  readonly #searches = new Gate('searches', MAX_PENDING_SEARCHES);
  readonly #searchLane: Lane;

  constructor(url: string, { connections = 16, answerWithinMs = STATEMENT_TIMEOUT_MS + 5_000 }: PostgresOptions = {}) {
    this.#pool = connect(url, connections);
    this.#session = new PostgresSession(this.#pool, this.#committed);
    this.#answerWithinMs = answerWithinMs;
    this.#searchLane = new Lane(Math.max(1, connections - FREE_OF_SEARCHES));
  }

  get pendingWrites(): number {
    return this.#writes.inside;
  }

  write<I, O>(command: Write<I, O>, input: I): Promise<O> {
    return this.#answer(this.#writes.pass(() => this.#attempt(command, input)));
  }

  read<I, O>(query: Read<I, O>, input: I): Promise<O> {
    const work = async () => {
      const output = await query.run(this.#session, input);
      this.#session.dictionary.commit();
      return output;
    };
    return this.#answer(this.#reads.pass(work));
  }

  /** A search runs several statements: one snapshot for all of them. */
  search<I, O>(query: Read<I, O>, input: I): Promise<O> {
    const work = async () =>
      (await this.#pool.begin('ISOLATION LEVEL REPEATABLE READ READ ONLY', (tx) =>
        untilLost(() => query.run(new PostgresSession(tx, this.#committed), input)),
      )) as O;
    return this.#answer(this.#searches.pass(() => this.#searchLane.run(work)));
  }

  async close(): Promise<void> {
    await this.#pool.end({ timeout: 10 });
  }

  /** What deadlocks or cannot be serialized did nothing, and is run again whole. */
  async #attempt<I, O>(command: Write<I, O>, input: I): Promise<O> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#commit(command, input);
      } catch (error) {
        if (!isTransient(error) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #commit<I, O>(command: Write<I, O>, input: I): Promise<O> {
    let session: PostgresSession | undefined;
    const output = (await this.#pool.begin((tx) => {
      const own = new PostgresSession(tx, this.#committed);
      session = own;
      return untilLost(() => command.run(own, input));
    })) as O;
    session?.dictionary.commit();
    return output;
  }

  /**
   * The outcome, or an error where a database that hangs gives none. Its work still counts as under way, so that the
   * line stays bounded.
   */
  async #answer<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(unanswered()), this.#answerWithinMs);
    });
    try {
      return await Promise.race([work, late]);
    } catch (error) {
      throw asDomainError(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * The work of a transaction. Where its connection is lost it ends without an outcome: the driver rejects the transaction
 * by itself, but would send a ROLLBACK on the closed socket for work that fails, and that ends the process.
 */
async function untilLost<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isConnectionLost(error)) return new Promise<never>(() => {});
    throw error;
  }
}

const unanswered = () =>
  new DomainError('TEMPORARILY_UNAVAILABLE', 'The database does not answer; the request may yet take effect.', {
    retryAfter: 5,
  });
