import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Peer, startAzure } from '../../../tools/peers/index.ts';
import { parseArtifactPath as at, openStore, ROOT } from '../src/index.ts';
import { describeStore, PAGE_SIZE, put, walk } from './store-contract.ts';

describeStore('azure', async () => {
  const peer = await startAzure();
  const store = await openStore(peer.uri, { env: peer.env, pageSize: PAGE_SIZE });
  return { store, stop: () => store.close().then(() => peer.stop()) };
});

describe('an Azure store', () => {
  let peer: Peer;
  let connectionString: string;
  beforeAll(async () => {
    peer = await startAzure();
    connectionString = peer.env.AZURE_STORAGE_CONNECTION_STRING!;
  });
  afterAll(() => peer?.stop());
  const opened = (AZURE_STORAGE_CONNECTION_STRING: string, uri = peer.uri) =>
    openStore(uri, { env: { AZURE_STORAGE_CONNECTION_STRING } });

  it('says which settings are wrong when its key is refused', async () => {
    const store = await opened(connectionString.replace(/AccountKey=[^;]+/, 'AccountKey=d3Jvbmc='));
    const refused = { code: 'PERMISSION_DENIED', message: expect.stringContaining('AZURE_STORAGE_CONNECTION_STRING') };
    await expect(store.list(ROOT)).rejects.toMatchObject(refused);
    await expect(store.open(at('x'))).rejects.toMatchObject(refused);
    await expect(store.stat(at('x'))).rejects.toMatchObject(refused);
    await expect(put(store, at('x'), 'y')).rejects.toMatchObject(refused);
  });

  it('says that the container is missing', async () => {
    const store = await opened(connectionString, peer.uri.replace('artifacts@', 'nothing@'));
    await expect(store.list(ROOT)).rejects.toMatchObject({ message: /container 'nothing' does not exist/ });
    await expect(put(store, at('x'), 'y')).rejects.toMatchObject({ message: /container 'nothing' does not exist/ });
  });

  it('is unavailable for a while where nothing answers', async () => {
    const store = await opened(connectionString.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'));
    await expect(store.list(ROOT)).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE', retryAfter: 5 });
  });

  it('refuses settings that cannot work', async () => {
    await expect(openStore(peer.uri, { env: {} })).rejects.toThrow(/set AZURE_STORAGE_CONNECTION_STRING/);
    await expect(opened('nonsense')).rejects.toThrow(/AZURE_STORAGE_CONNECTION_STRING is not a connection string/);
    const other = peer.uri.replace('millracetest', 'other');
    await expect(opened(connectionString, other)).rejects.toThrow(/of the account 'millracetest', .* of 'other'/);
  });

  it('presigns nothing where it holds only a shared access signature', async () => {
    const env = { AZURE_STORAGE_SAS_TOKEN: '?sv=2024-11-04&sig=x' };
    const store = await openStore(peer.uri, { env });
    expect(store.presignGet).toBeUndefined();
    expect(store.createMultipart).toBeUndefined();
  });

  it('takes the folders of a hierarchical namespace for folders, and removes them too', async () => {
    const store = await opened(connectionString);
    const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('artifacts');
    for (const folder of ['store/h', 'store/h/sub']) {
      await container.getBlockBlobClient(folder).upload('', 0, { metadata: { hdi_isfolder: 'true' } });
    }
    await put(store, at('h/sub/file'), 'x');
    expect(await walk(store, at('h'))).toEqual(['h/sub/file:1']);
    expect(await store.list(ROOT)).toEqual([{ name: 'h', isDir: true, size: 0 }]);
    expect(await store.list(at('h'))).toEqual([{ name: 'sub', isDir: true, size: 0 }]);
    await store.delete(at('h'));
    const left: string[] = [];
    for await (const { name } of container.listBlobsFlat({ prefix: 'store/h' })) left.push(name);
    expect(left).toEqual([]);
  });

  it('refuses blocks that were never sent', async () => {
    const store = await opened(connectionString);
    const { uploadId } = await store.createMultipart!(at('blocks'), 1);
    const part = { partNumber: 1, etag: '' };
    await expect(store.completeMultipart!(at('blocks'), uploadId, [part])).rejects.toMatchObject({
      code: 'RESOURCE_CONFLICT',
    });
    await expect(store.completeMultipart!(at('blocks'), 'x', [part])).rejects.toMatchObject({ status: 400 });
  });
});
