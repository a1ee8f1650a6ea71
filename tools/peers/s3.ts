import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { startChildServer } from '../testkit/child-server.ts';
import { freePort } from '../testkit/free-port.ts';
import { tempDir } from '../testkit/temp-dir.ts';
import { accepts, type Peer } from './peer.ts';
import { needed, s3proxyJar } from './programs.ts';

const BUCKET = 'artifacts';
const ACCESS_KEY = 'millrace-test';
const SECRET_KEY = 'a secret of tests only';

/** s3proxy, which keeps objects in memory and refuses a wrong key as S3 does. */
export async function startS3(): Promise<Peer> {
  const jar = needed(s3proxyJar, 's3proxy');
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const settings = {
    's3proxy.authorization': 'aws-v2-or-v4',
    's3proxy.identity': ACCESS_KEY,
    's3proxy.credential': SECRET_KEY,
    's3proxy.endpoint': endpoint,
    'jclouds.provider': 'transient-nio2',
  };
  const file = join(tempDir('s3'), 's3proxy.conf');
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const server = await startChildServer({
    label: 's3proxy',
    file: 'java',
    args: ['-Xmx512m', '-jar', jar, '--properties', file],
    isReady: () => accepts(port),
  });
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  client.destroy();
  return {
    uri: `s3://${BUCKET}/store`,
    env: {
      MLFLOW_S3_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
      AWS_DEFAULT_REGION: 'us-east-1',
    },
    stop: async () => void (await server.stop()),
  };
}
