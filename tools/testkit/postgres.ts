import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { type ChildServer, startChildServer } from './child-server.ts';
import { freePort } from './free-port.ts';
import { embeddedPostgres } from './paths.ts';
import { tempDir } from './temp-dir.ts';

export interface Databases {
  /** The connection URL of a database; default: the maintenance database `postgres`. */
  url(database?: string): string;
  /** Creates an empty database with a name of its own and resolves to its URL. */
  createDatabase(): Promise<string>;
  /**
   * As `createDatabase`, cloned from a template that `prepare` fills the first time that any process asks for `template`.
   * Name the template after what is in it.
   */
  cloneDatabase(template: string, prepare: (url: string) => Promise<void>): Promise<string>;
  /** Drops a database by its URL, even while it is in use. */
  dropDatabase(url: string): Promise<void>;
}

export interface Cluster extends Databases {
  readonly port: number;
  log(): string;
  stop(): Promise<void>;
  /** SIGKILL, as a crash would: what was not synced to the disk by PostgreSQL itself is in the hands of the system. */
  kill9(): Promise<void>;
  /** Stops all its processes where they stand (a hanging database), until `resume`. */
  suspend(): void;
  resume(): void;
  /** Starts again on the same port and data after `stop` or `kill9`. */
  restart(): Promise<void>;
}

/** Where PostgreSQL's programs are: `MILLRACE_TEST_POSTGRES_BIN`, the path, or where systems put them. */
export function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const candidates = [
    process.env.MILLRACE_TEST_POSTGRES_BIN ?? '',
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(':'),
    '/usr/pgsql-17/bin',
    '/opt/homebrew/opt/postgresql/bin',
    join(embeddedPostgres.dir, 'native/bin'),
  ];
  return candidates.find((dir) => dir !== '' && existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')));
}

export interface ClusterOptions {
  /** False (default) trades safety for speed; tests of durability want true. */
  readonly fsync?: boolean;
  /** Settings as `postgres -c` takes them: `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A throw-away cluster on 127.0.0.1, gone with this process. PostgreSQL refuses root, so root lends it another user. */
export async function startPostgres(options: ClusterOptions = {}): Promise<Cluster> {
  const bin = findPostgres();
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql.');
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  const dir = tempDir('postgres');
  const data = join(dir, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (user !== undefined) for (const path of [dir, data]) chownSync(path, user.uid, user.gid);
  initialize(bin, data, user);

  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: dir,
    fsync: options.fsync === true ? 'on' : 'off',
    max_connections: '200',
    shared_buffers: '64MB',
    max_wal_size: '256MB',
    ...options.settings,
  };
  const databases = databasesAt(`postgresql://postgres@127.0.0.1:${port}/postgres`);
  const start = () =>
    startChildServer({
      label: 'PostgreSQL',
      file: join(bin, 'postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: dir,
      ...(user && { user }),
      stopSignal: 'SIGINT',
      isReady: () => accepts(databases.url()),
    });

  let server: ChildServer = await start();
  return {
    ...databases,
    port,
    log: () => server.log(),
    async stop() {
      await server.stop();
    },
    async kill9() {
      const pids = processTree(server.pid);
      signalAll(pids, 'SIGKILL');
      await server.exited;
      while (pids.some(isAlive)) await sleep(10);
    },
    suspend: () => signalAll(processTree(server.pid), 'SIGSTOP'),
    resume: () => signalAll(processTree(server.pid), 'SIGCONT'),
    async restart() {
      rmSync(join(data, 'postmaster.pid'), { force: true });
      server = await start();
    },
  };
}

/** The databases of a server that runs already, reached with a URL whose user may create some. */
export function databasesAt(serverUrl: string): Databases {
  const url = (database?: string) => {
    const result = new URL(serverUrl);
    if (database !== undefined) result.pathname = `/${database}`;
    return result.href;
  };
  const withAdmin = async <T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
    const sql = postgres(url(), { max: 1, onnotice: () => {} });
    try {
      return await work(sql);
    } finally {
      await sql.end();
    }
  };
  const create = async (sql: postgres.Sql, template: string): Promise<string> => {
    const name = `test_${randomBytes(6).toString('hex')}`;
    await sql.unsafe(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    return url(name);
  };
  return {
    url,
    createDatabase: () => withAdmin((sql) => create(sql, 'template0')),
    cloneDatabase: (label, prepare) =>
      withAdmin(async (sql) => {
        const template = `template_${label.toLowerCase().replace(/\W/g, '_')}`;
        await sql`SELECT pg_advisory_lock(hashtext(${template}))`;
        try {
          const [existing] = await sql`SELECT 1 FROM pg_database WHERE datname = ${template}`;
          if (existing === undefined) {
            await sql.unsafe(`CREATE DATABASE ${template}_new TEMPLATE template0`);
            await prepare(url(`${template}_new`));
            await sql.unsafe(`ALTER DATABASE ${template}_new RENAME TO ${template}`);
          }
          return await create(sql, template);
        } finally {
          await sql`SELECT pg_advisory_unlock(hashtext(${template}))`;
        }
      }),
    dropDatabase: (database) =>
      withAdmin(async (sql) => {
        await sql.unsafe(`DROP DATABASE IF EXISTS ${new URL(database).pathname.slice(1)} WITH (FORCE)`);
      }),
  };
}

interface UnixUser {
  readonly uid: number;
  readonly gid: number;
}

function unprivilegedUser(): UnixUser {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry = ['postgres', 'nobody'].map((name) => users.find(([user]) => user === name)).find((user) => user);
  if (entry === undefined)
    throw new Error("PostgreSQL refuses root, and there is no user 'postgres' or 'nobody' to run it.");
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** UTF-8, sorted by code point like SQLite, on systems that have such a locale; sorted by byte on others. */
function initialize(bin: string, data: string, user: UnixUser | undefined): void {
  let output = '';
  for (const locale of ['C.UTF-8', 'C']) {
    const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', `--locale=${locale}`, '--no-sync'];
    const result = spawnSync(join(bin, 'initdb'), args, { encoding: 'utf8', cwd: data, ...user });
    if (result.status === 0) return;
    output = `${result.stdout}${result.stderr}`;
  }
  throw new Error(`initdb failed:\n${output}`);
}

async function accepts(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} });
  try {
    await sql`SELECT 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** PostgreSQL gives every backend a process group of its own, so they are found by parent. */
function processTree(parent: number): number[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' });
  const children = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => Number(pid));
  return [parent, ...children];
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) signal(pid, name);
}

const isAlive = (pid: number): boolean => signal(pid, 0);
