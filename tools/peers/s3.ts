import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { tempDir } from '../testkit/temp-dir.ts';
import { type Peer, startOnFreePort } from './peer.ts';
import { needed, s3proxyJar } from './programs.ts';

const BUCKET = 'artifacts';
const ACCESS_KEY = 'millrace-test';
const SECRET_KEY = 'a secret of tests only';

/** s3proxy, which keeps objects in memory and refuses a wrong key as S3 does. */
export async function startS3(): Promise<Peer> {
  const jar = needed(s3proxyJar, 's3proxy');
  const { endpoint, server } = await startOnFreePort((port) => ({
    label: 's3proxy',
    file: 'java',
    args: ['-Xmx512m', '-jar', jar, '--properties', settingsFile(port)],
    isItsAnswer: ({ headers }) => headers.has('x-amz-request-id'),
  }));
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

function settingsFile(port: number): string {
  const settings = {
    's3proxy.authorization': 'aws-v2-or-v4',
    's3proxy.identity': ACCESS_KEY,
    's3proxy.credential': SECRET_KEY,
    's3proxy.endpoint': `http://127.0.0.1:${port}`,
    'jclouds.provider': 'transient-nio2',
  };
  const file = join(tempDir('s3'), 's3proxy.conf');
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(file, lines.join(''));
  return file;
}
