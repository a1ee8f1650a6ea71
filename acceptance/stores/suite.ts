import { join } from 'node:path';
import { type Peer, startAzure, startGcs, startS3, startSftp } from '@millrace/tools/peers';
import { startServer, type TestServer, tempDir } from '@millrace/tools/testkit';
import { runVitest } from '../suites/http.ts';
import { clientEnvironment, type Outcome, type Suite } from '../suites/outcome.ts';
import { runPytest } from '../suites/pytest.ts';

/** A server over one store, as `test_stores.py` is told of it. */
interface Described {
  readonly url: string;
  /** `proxied`: the whole client suite; `signing`: clients go by signed URLs; `direct`: they reach the store themselves. */
  readonly kind: 'proxied' | 'signing' | 'direct';
  readonly store: string;
  readonly location: string;
  readonly env: Peer['env'];
}

interface Started {
  readonly servers: Map<string, Described>;
  readonly running: TestServer[];
  readonly peers: Peer[];
  readonly missing: Outcome[];
}

/** Every artifact store behind a server of its own, through the real client; then what transfers promise over plain HTTP. */
export const storesSuite: Suite = {
  name: 'stores',
  on: { sqlite: 'all', postgres: 'none' },
  async run(target) {
    const transfers = await runVitest(join(import.meta.dirname, 'vitest.config.ts'), clientEnvironment(target));
    const started = await start();
    try {
      const { servers, missing } = started;
      const env = { ...withoutStores(clientEnvironment(target)), ACCEPTANCE_STORES: toJson(servers) };
      const outcomes = await runPytest('mlflow3', [join(import.meta.dirname, 'test_stores.py')], env);
      return [...transfers, ...missing, ...outcomes];
    } finally {
      await Promise.all(started.running.map((server) => server.stop()));
      await Promise.all(started.peers.map((peer) => peer.stop()));
    }
  },
};

async function start(): Promise<Started> {
  const started: Started = { servers: new Map(), running: [], peers: [], missing: [] };
  const folder = tempDir('shared-folder');
  await Promise.all([
    serve(started, 'local', { store: 'local', location: join(tempDir('local'), 'made/by the server') }),
    serve(started, 'nfs', { store: 'local', location: tempDir('nfs') }),
    serve(started, 'folder-unserved', { store: 'local', location: folder, kind: 'direct' }),
    withPeer(started, 's3', startS3, async (peer) => {
      await serve(started, 's3', of('s3', peer));
      await serve(started, 's3-unserved', { ...of('s3', peer, '/unserved'), kind: 'signing' });
    }),
    withPeer(started, 'azure', startAzure, async (peer) => {
      await serve(started, 'azure', of('azure', peer));
      await serve(started, 'azure-unserved', { ...of('azure', peer, '/unserved'), kind: 'signing' });
    }),
    withPeer(started, 'gcs', startGcs, async (peer) => {
      await serve(started, 'gcs', of('gcs', peer));
      await serve(started, 'gcs-unserved', { ...of('gcs', peer, '/unserved'), kind: 'signing' });
    }),
    withPeer(started, 'sftp', startSftp, (peer) => serve(started, 'sftp', of('sftp', peer))),
  ]);
  return started;
}

const of = (store: string, { uri, env }: Peer, below = '') => ({ store, location: uri + below, env });

async function withPeer(
  { peers, missing }: Started,
  name: string,
  startPeer: () => Promise<Peer>,
  use: (peer: Peer) => Promise<void>,
): Promise<void> {
  let peer: Peer;
  try {
    peer = await startPeer();
  } catch (error) {
    missing.push({ test: `(the ${name} store)`, outcome: 'skipped', message: String(error) });
    return;
  }
  peers.push(peer);
  await use(peer);
}

async function serve(
  { servers, running }: Started,
  name: string,
  described: Pick<Described, 'store' | 'location'> & Partial<Described>,
): Promise<void> {
  const { store, location, kind = 'proxied', env = {} } = described;
  const args =
    kind === 'proxied'
      ? ['--artifacts-destination', location]
      : ['--no-serve-artifacts', '--default-artifact-root', location];
  const server = await startServer({ args, env });
  running.push(server);
  servers.set(name, { url: server.url, kind, store, location, env });
}

const toJson = (servers: ReadonlyMap<string, Described>) => JSON.stringify(Object.fromEntries([...servers].sort()));

/** The client must know no store but by what a test tells it. */
const withoutStores = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(AWS|AZURE|GOOGLE)_|^STORAGE_EMULATOR/.test(name)));
