import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '../testkit/temp-dir.ts';
import { type Peer, startOnFreePort } from './peer.ts';
import { gcsEmulator, needed } from './programs.ts';

const BUCKET = 'artifacts';

/** An emulator that keeps objects in memory and checks no credentials; the key file is real enough to sign URLs with. */
export async function startGcs(): Promise<Peer> {
  const program = needed(gcsEmulator, 'gcp-storage-emulator');
  const { endpoint, server } = await startOnFreePort((port) => ({
    label: 'gcp-storage-emulator',
    file: program,
    args: ['start', '--host', '127.0.0.1', '--port', String(port), '--in-memory', '--default-bucket', BUCKET],
    isItsAnswer: ({ headers }) => headers.get('server')?.startsWith('BaseHTTP') ?? false,
  }));
  return {
    uri: `gs://${BUCKET}/store`,
    env: { STORAGE_EMULATOR_HOST: endpoint, GOOGLE_APPLICATION_CREDENTIALS: keyFile() },
    stop: async () => void (await server.stop()),
  };
}

function keyFile(): string {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const file = join(tempDir('gcs'), 'key.json');
  const key = {
    type: 'service_account',
    project_id: 'millrace-test',
    private_key_id: 'test',
    private_key: privateKey,
    client_email: 'tests@millrace-test.iam.gserviceaccount.com',
    client_id: '1',
    token_uri: 'https://oauth2.googleapis.com/token',
  };
  writeFileSync(file, JSON.stringify(key), { mode: 0o600 });
  return file;
}
