import { createServer, type Server } from 'node:http';
import { type Cluster, type Databases, databasesAt, findPostgres, startPostgres } from './postgres.ts';

const EXISTING = 'MILLRACE_TEST_POSTGRES_URL';
const BROKER = 'MILLRACE_TEST_POSTGRES_BROKER';

/**
 * Lets the processes of one test run share one cluster, which starts when the first of them asks.
 * @returns what stops it, to be called once all tests are done.
 */
export async function servePostgres(): Promise<() => Promise<void>> {
  let cluster: Promise<Cluster> | undefined;
  const server = createServer((_request, response) => {
    cluster ??= startPostgres();
    cluster.then(
      ({ url }) => response.end(url()),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env[BROKER] = `http://127.0.0.1:${portOf(server)}`;
  return async () => {
    delete process.env[BROKER];
    server.close();
    await (await cluster)?.stop();
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

let own: Promise<Databases> | undefined;

/** The cluster of this test run; the one that `MILLRACE_TEST_POSTGRES_URL` names; or one of this process alone. */
export function sharedPostgres(): Promise<Databases> {
  own ??= connect();
  return own;
}

async function connect(): Promise<Databases> {
  const existing = process.env[EXISTING];
  if (existing !== undefined) return databasesAt(existing);
  const broker = process.env[BROKER];
  if (broker === undefined) return await startPostgres();
  const response = await fetch(broker);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return databasesAt(text);
}

/** Why tests on PostgreSQL can't run here, or undefined when they can. */
export function postgresMissing(): string | undefined {
  if (process.env[EXISTING] !== undefined || findPostgres() !== undefined) return undefined;
  return `PostgreSQL is not installed (apt-get install postgresql, or set ${EXISTING})`;
}
