import { DomainError, invalid } from '@millrace/core';
import { type Handlers, type RawHandlers, receiveInto, sendArtifact } from '@millrace/http';
import { type ArtifactPath, baseName, joinArtifactPath, parseArtifactPath, parseFolderPath } from '@millrace/objects';
import type { FastifyRequest } from 'fastify';
import type { TrackingDeps } from '../deps.ts';
import { entriesOf } from './artifact.routes.ts';

const PRESIGNED_TTL_S = 300;
const MAX_PARTS = 10_000;

/** Where parts go that the server takes itself, because the store behind it cannot sign URLs. */
export const PART_ROUTE = '/api/2.0/mlflow-artifacts/mpu/part/:upload_id/:part_number';

/** MLflow's proxied artifact API: what clients reach as `mlflow-artifacts:`. */
export function proxyHandlers({ places }: TrackingDeps): Handlers {
  return {
    'MlflowArtifactsService.listArtifacts': async ({ path }) => {
      const files = (await entriesOf(places.proxied, parseFolderPath(path))).map(({ name, isDir, size }) => ({
        path: name,
        is_dir: isDir,
        ...(isDir ? {} : { file_size: size }),
      }));
      return { files: files.length === 0 ? undefined : files };
    },
    'MlflowArtifactsService.deleteArtifact': async ({ artifact_path }) => {
      await places.proxied.delete(parseArtifactPath(artifact_path));
      return {};
    },
    'MlflowArtifactsService.createMultipartUpload': async ({ artifact_path, path, num_parts }, { http }) => {
      const store = places.proxied;
      if (store.createMultipart === undefined) throw noMultipart();
      const parts = Number(num_parts ?? 0);
      if (parts < 1 || parts > MAX_PARTS) throw invalid(`Invalid num_parts ${parts}: it is from 1 to ${MAX_PARTS}.`);
      const { uploadId, credentials } = await store.createMultipart(fileIn(artifact_path, path), parts);
      return {
        upload_id: uploadId,
        credentials:
          credentials === null
            ? ownParts(http, uploadId, parts)
            : credentials.map(({ url, partNumber, headers }) => ({
                url,
                part_number: partNumber,
                headers: { ...headers },
              })),
      };
    },
    'MlflowArtifactsService.completeMultipartUpload': async ({ artifact_path, path, upload_id, parts }) => {
      const store = places.proxied;
      if (store.completeMultipart === undefined) throw noMultipart();
      const given = parts.map(({ part_number, etag }) => ({ partNumber: Number(part_number ?? 0), etag: etag ?? '' }));
      await store.completeMultipart(fileIn(artifact_path, path), upload_id ?? '', given);
      return {};
    },
    'MlflowArtifactsService.abortMultipartUpload': async ({ artifact_path, path, upload_id }) => {
      await places.proxied.abortMultipart?.(fileIn(artifact_path, path), upload_id ?? '');
      return {};
    },
    'MlflowArtifactsService.getPresignedDownloadUrl': async ({ artifact_path }) => {
      const store = places.proxied;
      const path = parseArtifactPath(artifact_path);
      if (store.presignGet === undefined) {
        throw new DomainError(
          'NOT_IMPLEMENTED',
          'Presigned download is not supported by the artifact store of this server.',
        );
      }
      const { size } = await store.stat(path);
      return { url: await store.presignGet(path, PRESIGNED_TTL_S, baseName(path)), headers: {}, file_size: size };
    },
  };
}

/** MLflow's client goes by how the message begins when it falls back to one request. */
const noMultipart = () =>
  new DomainError(
    'NOT_IMPLEMENTED',
    'Multipart upload is not supported for the current artifact repository: upload the file in one request.',
  );

/** The file in the folder that the URL names; `path` is what the client calls it on its own machine, of which the name counts. */
const fileIn = (folder: string, path: string): ArtifactPath =>
  joinArtifactPath(parseFolderPath(folder), parseArtifactPath(path.slice(path.search(/[^/\\]*$/))));

function ownParts(request: FastifyRequest, uploadId: string, parts: number) {
  const { headers, protocol } = request;
  const base = `${headers['x-forwarded-proto'] === 'https' ? 'https' : protocol}://${headers.host}`;
  return Array.from({ length: parts }, (_, i) => ({
    url: `${base}${PART_ROUTE.replace(':upload_id', uploadId).replace(':part_number', String(i + 1))}`,
    part_number: i + 1,
    headers: {},
  }));
}

/** The routes of the proxied API that carry files. */
export function proxyTransfers({ places }: TrackingDeps): RawHandlers {
  return {
    'MlflowArtifactsService.downloadArtifact': async ({ request, reply, path: { artifact_path = '' } }) => {
      const path = parseArtifactPath(artifact_path);
      const store = places.proxied;
      return sendArtifact(request, reply, {
        filename: baseName(path),
        stat: () => store.stat(path),
        open: (range) => store.open(path, { range }),
      });
    },
    'MlflowArtifactsService.uploadArtifact': async ({ request, reply, path: { artifact_path = '' } }) =>
      receiveInto(request, reply, ({ body, ...options }) =>
        places.proxied.write(parseArtifactPath(artifact_path), body, options),
      ),
  };
}

/** Takes one part of a multipart upload; the answer carries its ETag, as S3's does. */
export function receivePart({ places }: TrackingDeps): NonNullable<RawHandlers['Artifacts.uploadArtifact']> {
  return async ({ request, reply, path: { upload_id = '', part_number = '' } }) =>
    receiveInto(request, reply, async ({ body, ...options }) => {
      const { proxied } = places;
      if (proxied.writePart === undefined) throw noMultipart();
      const { etag } = await proxied.writePart(upload_id, Number(part_number), body, options);
      reply.header('etag', etag);
    });
}
