import { BlobServiceClient } from '@azure/storage-blob';
import { startChildServer } from '../testkit/child-server.ts';
import { freePort } from '../testkit/free-port.ts';
import { tempDir } from '../testkit/temp-dir.ts';
import { accepts, type Peer } from './peer.ts';
import { azuriteProgram, needed } from './programs.ts';

const ACCOUNT = 'millracetest';
const KEY = Buffer.from('an account key of tests only').toString('base64');
const CONTAINER = 'artifacts';

/** Microsoft's emulator; it checks keys and signatures. */
export async function startAzure(): Promise<Peer> {
  const program = needed(azuriteProgram, 'azurite');
  const port = await freePort();
  const args = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--location', tempDir('azure')];
  const server = await startChildServer({
    label: 'azurite',
    file: process.execPath,
    args: [program, ...args, '--silent', '--skipApiVersionCheck', '--disableTelemetry'],
    env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` },
    isReady: () => accepts(port),
  });
  const connectionString = [
    'DefaultEndpointsProtocol=http',
    `AccountName=${ACCOUNT}`,
    `AccountKey=${KEY}`,
    `BlobEndpoint=http://127.0.0.1:${port}/${ACCOUNT}`,
  ].join(';');
  await BlobServiceClient.fromConnectionString(connectionString).createContainer(CONTAINER);
  return {
    uri: `wasbs://${CONTAINER}@${ACCOUNT}.blob.core.windows.net/store`,
    env: { AZURE_STORAGE_CONNECTION_STRING: connectionString },
    stop: async () => void (await server.stop()),
  };
}
