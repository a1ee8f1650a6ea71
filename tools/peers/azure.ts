import { BlobServiceClient } from '@azure/storage-blob';
import { tempDir } from '../testkit/temp-dir.ts';
import { type Peer, startOnFreePort } from './peer.ts';
import { azuriteProgram, needed } from './programs.ts';

const ACCOUNT = 'millracetest';
const KEY = Buffer.from('an account key of tests only').toString('base64');
const CONTAINER = 'artifacts';
const QUIETLY = ['--silent', '--skipApiVersionCheck', '--disableTelemetry'];

/** Microsoft's emulator; it checks keys and signatures. */
export async function startAzure(): Promise<Peer> {
  const program = needed(azuriteProgram, 'azurite');
  const { endpoint, server } = await startOnFreePort((port) => ({
    label: 'azurite',
    file: process.execPath,
    args: [program, '--blobHost', '127.0.0.1', '--blobPort', String(port), '--location', tempDir('azure'), ...QUIETLY],
    env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` },
    isItsAnswer: ({ headers }) => headers.get('server')?.startsWith('Azurite') ?? false,
  }));
  const connectionString = [
    'DefaultEndpointsProtocol=http',
    `AccountName=${ACCOUNT}`,
    `AccountKey=${KEY}`,
    `BlobEndpoint=${endpoint}/${ACCOUNT}`,
  ].join(';');
  await BlobServiceClient.fromConnectionString(connectionString).createContainer(CONTAINER);
  return {
    uri: `wasbs://${CONTAINER}@${ACCOUNT}.blob.core.windows.net/store`,
    env: { AZURE_STORAGE_CONNECTION_STRING: connectionString },
    stop: async () => void (await server.stop()),
  };
}
