import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { invalid } from '@millrace/core';

export type Env = Readonly<Record<string, string | undefined>>;

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const CONNECTIONS = 128;

/** A client set up as MLflow sets up its own: by AWS's variables, and MLflow's for other servers that speak S3. */
export function createS3Client(env: Env): S3Client {
  const endpoint = env.MLFLOW_S3_ENDPOINT_URL || env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  if (endpoint !== undefined && !URL.canParse(endpoint)) {
    throw invalid(`MLFLOW_S3_ENDPOINT_URL is '${endpoint}', which is not a URL`);
  }
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || (endpoint ? 'us-east-1' : undefined);
  const tls = env.MLFLOW_S3_IGNORE_TLS?.toLowerCase() === 'true' ? { rejectUnauthorized: false } : {};
  const config: S3ClientConfig = {
    forcePathStyle: isPathStyle(env, endpoint),
    followRegionRedirects: true,
    // Checksums in trailers are AWS's own; other servers refuse them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
      httpAgent: { keepAlive: true, maxSockets: CONNECTIONS },
      httpsAgent: { keepAlive: true, maxSockets: CONNECTIONS, ...tls },
    },
  };
  if (endpoint) config.endpoint = endpoint;
  if (region) config.region = region;
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) {
    config.credentials = {
      accessKeyId: env.AWS_ACCESS_KEY_ID,
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
      ...(env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {}),
    };
  }
  return new S3Client(config);
}

/** Other servers rarely have a host name for each bucket. */
function isPathStyle(env: Env, endpoint: string | undefined): boolean {
  const style = env.MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE?.toLowerCase();
  if (style === 'path' || style === 'virtual') return style === 'path';
  return Boolean(endpoint);
}

/** What MLFLOW_S3_UPLOAD_EXTRA_ARGS adds to each upload, such as ServerSideEncryption. */
export function uploadExtras(env: Env): Readonly<Record<string, string>> {
  const text = env.MLFLOW_S3_UPLOAD_EXTRA_ARGS;
  if (!text) return {};
  try {
    const extras: unknown = JSON.parse(text);
    if (typeof extras === 'object' && extras !== null && !Array.isArray(extras)) {
      return Object.fromEntries(Object.entries(extras).map(([key, value]) => [key, String(value)]));
    }
  } catch {
    // Said below.
  }
  throw invalid('MLFLOW_S3_UPLOAD_EXTRA_ARGS is not a JSON object, such as {"ServerSideEncryption": "aws:kms"}');
}
