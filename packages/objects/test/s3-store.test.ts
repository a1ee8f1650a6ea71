import { DomainError } from '@millrace/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Peer, startS3 } from '../../../tools/peers/index.ts';
import { parseArtifactPath as at, openStore, ROOT } from '../src/index.ts';
import { describeStore, PAGE_SIZE, put } from './store-contract.ts';

describeStore('s3', async () => {
  const peer = await startS3();
  const store = await openStore(peer.uri, { env: peer.env, pageSize: PAGE_SIZE });
  return { store, stop: () => store.close().then(() => peer.stop()) };
});

describe('an S3 store', () => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await startS3();
  });
  afterAll(() => peer?.stop());
  const opened = (env: Record<string, string>, uri = peer.uri) => openStore(uri, { env: { ...peer.env, ...env } });

  it('says which settings are wrong when its key is refused', async () => {
    for (const env of [{ AWS_SECRET_ACCESS_KEY: 'wrong' }, { AWS_ACCESS_KEY_ID: 'nobody' }]) {
      const store = await opened(env);
      const refused = { code: 'PERMISSION_DENIED', message: expect.stringContaining('AWS_ACCESS_KEY_ID') };
      await expect(store.list(ROOT)).rejects.toMatchObject(refused);
      await expect(store.open(at('x'))).rejects.toMatchObject(refused);
      await expect(put(store, at('x'), 'y')).rejects.toMatchObject(refused);
      await expect(store.check()).rejects.toMatchObject({ message: expect.stringContaining('cannot write') });
      await store.close();
    }
  });

  it('says that the bucket is missing', async () => {
    const store = await opened({}, 's3://no-such-bucket/x');
    await expect(store.list(ROOT)).rejects.toMatchObject({ message: /bucket 'no-such-bucket' does not exist/ });
    await expect(put(store, at('x'), 'y')).rejects.toMatchObject({ message: /bucket 'no-such-bucket' does not exist/ });
  });

  it('is unavailable for a while where nothing answers', async () => {
    const store = await opened({ MLFLOW_S3_ENDPOINT_URL: 'http://127.0.0.1:1' });
    const unavailable = {
      code: 'TEMPORARILY_UNAVAILABLE',
      retryAfter: 5,
      message: /ECONNREFUSED.*MLFLOW_S3_ENDPOINT_URL/,
    };
    await expect(store.list(ROOT)).rejects.toMatchObject(unavailable);
    await expect(put(store, at('x'), 'y')).rejects.toMatchObject(unavailable);
  });

  it('keeps to its prefix', async () => {
    const [inner, outer] = [await opened({}, 's3://artifacts/a/b'), await opened({}, 's3://artifacts/a')];
    await put(inner, at('x'), 'inner');
    await put(outer, at('bb'), 'beside');
    expect(await inner.list(ROOT)).toEqual([{ name: 'x', isDir: false, size: 5 }]);
    await inner.removeTree(ROOT);
    expect(await outer.list(ROOT)).toEqual([{ name: 'bb', isDir: false, size: 6 }]);
  });

  it('refuses parts that were not sent, and uploads that it never had', async () => {
    const store = await opened({});
    const { uploadId } = await store.createMultipart!(at('x'), 1);
    const part = { partNumber: 1, etag: '"d41d8cd98f00b204e9800998ecf8427e"' };
    await expect(store.completeMultipart!(at('x'), uploadId, [part])).rejects.toBeInstanceOf(DomainError);
    await expect(store.completeMultipart!(at('x'), 'never', [part])).rejects.toMatchObject({ status: 404 });
  });

  it('refuses settings that cannot work', async () => {
    await expect(opened({ MLFLOW_S3_ENDPOINT_URL: 'nonsense' })).rejects.toThrow(
      /MLFLOW_S3_ENDPOINT_URL is 'nonsense'/,
    );
    await expect(opened({ MLFLOW_S3_UPLOAD_EXTRA_ARGS: '[1]' })).rejects.toThrow(/MLFLOW_S3_UPLOAD_EXTRA_ARGS/);
    const store = await opened({ MLFLOW_S3_UPLOAD_EXTRA_ARGS: '{"StorageClass": "STANDARD"}' });
    await put(store, at('extras'), 'x');
  });
});
