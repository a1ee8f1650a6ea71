import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Peer, startGcs } from '../../../tools/peers/index.ts';
import { parseArtifactPath as at, openStore, ROOT, TEMP_FOLDER } from '../src/index.ts';
import { describeStore, PAGE_SIZE, put, read, walk } from './store-contract.ts';

describeStore('gcs', async () => {
  const peer = await startGcs();
  const store = await openStore(peer.uri, { env: peer.env, pageSize: PAGE_SIZE });
  return { store, stop: () => store.close().then(() => peer.stop()) };
});

describe('a Google Cloud store', () => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await startGcs();
  });
  afterAll(() => peer?.stop());

  it('composes more parts than one composition takes, and leaves no part behind', async () => {
    const store = await openStore(peer.uri, { env: peer.env });
    const { uploadId, credentials } = await store.createMultipart!(at('many'), 70);
    for (const { url, partNumber } of credentials!) {
      expect((await fetch(url, { method: 'PUT', body: `${partNumber},` })).ok).toBe(true);
    }
    const parts = credentials!.map(({ partNumber }) => ({ partNumber, etag: '' }));
    await expect(store.completeMultipart!(at('other'), uploadId, parts)).rejects.toMatchObject({ status: 400 });
    await store.completeMultipart!(at('many'), uploadId, parts);
    const expected = parts.map(({ partNumber }) => `${partNumber},`).join('');
    expect((await read(store, at('many'))).toString()).toBe(expected);
    const bucketRoot = await openStore('gs://artifacts', { env: peer.env });
    expect(await walk(bucketRoot, ROOT)).toEqual([`store/many:${expected.length}`]);
    expect((await bucketRoot.list(at('store'))).map(({ name }) => name)).not.toContain(TEMP_FOLDER);
  });

  it('sweeps the parts of uploads that nobody finished', async () => {
    const store = await openStore(peer.uri, { env: peer.env });
    const { credentials } = await store.createMultipart!(at('x'), 2);
    await fetch(credentials![0]!.url, { method: 'PUT', body: 'x' });
    expect(await store.sweep!()).toBe(0);
    expect(await store.sweep!(-60_000)).toBe(1);
    expect(await store.sweep!(-60_000)).toBe(0);
  });

  it('says that the bucket is missing', async () => {
    const store = await openStore('gs://nothing/x', { env: peer.env });
    await expect(store.list(ROOT)).rejects.toMatchObject({ message: /bucket 'nothing' does not exist/ });
  });

  it('is unavailable for a while where nothing answers', async () => {
    const env = { ...peer.env, STORAGE_EMULATOR_HOST: 'http://127.0.0.1:1' };
    const store = await openStore(peer.uri, { env });
    await expect(store.list(ROOT)).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE', retryAfter: 5 });
    await expect(put(store, at('x'), 'y')).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  });

  it('presigns nothing without a key, and names a key file that it cannot read', async () => {
    const { STORAGE_EMULATOR_HOST } = peer.env as { STORAGE_EMULATOR_HOST: string };
    const store = await openStore(peer.uri, { env: { STORAGE_EMULATOR_HOST } });
    expect(store.presignGet).toBeUndefined();
    expect(store.createMultipart).toBeUndefined();
    const env = { GOOGLE_APPLICATION_CREDENTIALS: '/no/such/key.json' };
    await expect(openStore(peer.uri, { env })).rejects.toThrow("GOOGLE_APPLICATION_CREDENTIALS is '/no/such/key.json'");
  });
});
