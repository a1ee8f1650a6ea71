import type { Readable } from 'node:stream';
import { DomainError, invalid } from '@millrace/core';
import { type Handlers, type RawCall, type RawHandlers, receiveInto, sendArtifact } from '@millrace/http';
import {
  type ArtifactPath,
  type ArtifactStore,
  baseName,
  type Entry,
  parseArtifactPath,
  parseFolderPath,
} from '@millrace/objects';
import type { TrackingDeps } from '../deps.ts';
import { readModelArtifactUri, readRunArtifactUri } from './artifact.commands.ts';
import { type ArtifactPlace, within } from './artifact-places.ts';

const MAX_UI_UPLOAD = 10 * 1024 * 1024;
const MAX_EXPIRATION_S = 604_800;
const DEFAULT_UPLOAD_EXPIRATION_S = 900;
const DEFAULT_DOWNLOAD_EXPIRATION_S = 300;

const fileInfo = (folder: ArtifactPath | '', { name, isDir, size }: Entry) => ({
  path: folder === '' ? name : `${folder}/${name}`,
  is_dir: isDir,
  ...(isDir ? {} : { file_size: size }),
});

/** The listing of a folder of a run or model, as paths from its root. */
async function listPlace(place: ArtifactPlace, rootUri: string, path: string | undefined) {
  const folder = parseFolderPath(path);
  const files = (await entriesOf(place.store, within(place, folder))).map((entry) => fileInfo(folder, entry));
  return { root_uri: rootUri, files: files.length === 0 ? undefined : files };
}

/** A folder's entries. A file has none: that is how clients tell it from a folder. */
export async function entriesOf(store: ArtifactStore, folder: ArtifactPath): Promise<Entry[]> {
  const entries = await store.list(folder);
  const [only] = entries;
  if (entries.length !== 1 || only!.isDir || folder === '' || only!.name !== baseName(folder)) return entries;
  // The file itself, or a folder that holds one of its own name.
  return (await isFile(store, folder)) ? [] : entries;
}

const isFile = (store: ArtifactStore, path: ArtifactPath): Promise<boolean> =>
  store.stat(path).then(
    () => true,
    (error) => {
      if (error instanceof DomainError && error.code === 'RESOURCE_DOES_NOT_EXIST') return false;
      throw error;
    },
  );

/** Artifacts of runs and models, wherever they lie. */
export function artifactHandlers({ db, places }: TrackingDeps): Handlers {
  const placeOf = async (uri: string) => ({ place: await places.resolve(uri), uri });
  const ofRun = async (runUuid: string) => placeOf(await db.read(readRunArtifactUri, runUuid));
  const ofModel = async (modelId: string) => placeOf(await db.read(readModelArtifactUri, modelId));

  return {
    'MlflowService.listArtifacts': async (request) => {
      const { place, uri } = await ofRun(request.run_id || request.run_uuid || '');
      return listPlace(place, uri, request.path);
    },
    'MlflowService.listLoggedModelArtifacts': async ({ model_id, artifact_directory_path }) => {
      const { place, uri } = await ofModel(model_id);
      return listPlace(place, uri, artifact_directory_path);
    },
    'MlflowService.createPresignedUploadUrl': async ({ run_id, model_id, path, expiration }) => {
      if (Boolean(run_id) === Boolean(model_id)) throw invalid('Exactly one of run_id and model_id must be provided.');
      const safe = parseArtifactPath(path);
      const { place, uri } = run_id ? await ofRun(run_id) : await ofModel(model_id!);
      checkDirect(place, uri, 'upload');
      if (place.store.presignPut === undefined) throw noPresigning('upload');
      const ttl = checkExpiration(expiration, DEFAULT_UPLOAD_EXPIRATION_S);
      const { url, headers } = await place.store.presignPut(within(place, safe), ttl);
      return { presigned_url: url, headers: { ...headers } };
    },
    'MlflowService.createPresignedDownloadUrl': async ({ run_id, path, expiration }) => {
      const safe = parseArtifactPath(path);
      const { place, uri } = await ofRun(run_id);
      checkDirect(place, uri, 'download');
      if (place.store.presignGet === undefined) throw noPresigning('download');
      const ttl = checkExpiration(expiration, DEFAULT_DOWNLOAD_EXPIRATION_S);
      const { size } = await place.store.stat(within(place, safe));
      const url = await place.store.presignGet(within(place, safe), ttl, baseName(safe));
      return { presigned_url: url, headers: {}, file_size: size };
    },
  };
}

function checkDirect(place: ArtifactPlace, uri: string, what: string): void {
  if (!place.proxied) return;
  throw invalid(
    `Presigned ${what} is not supported for proxied artifact storage (artifact URI scheme: ${uri.split(':')[0]}). This endpoint requires a direct cloud storage artifact URI.`,
  );
}

const noPresigning = (what: string) =>
  invalid(`Presigned ${what} is not supported by this artifact store: use the artifact store directly.`);

function checkExpiration(seconds: number | bigint | undefined, standard: number): number {
  const value = Number(seconds ?? standard);
  if (value < 1 || value > MAX_EXPIRATION_S) {
    throw invalid(`Invalid expiration ${value}: it is a number of seconds from 1 to ${MAX_EXPIRATION_S}.`);
  }
  return value;
}

/** Routes that carry files. */
export function artifactTransfers({ db, places }: TrackingDeps): RawHandlers {
  const send = ({ request, reply }: RawCall, place: ArtifactPlace, path: ArtifactPath) => {
    const { store } = place;
    const full = within(place, path);
    return sendArtifact(request, reply, {
      filename: baseName(path),
      stat: () => store.stat(full),
      open: (range) => store.open(full, { range }),
    });
  };

  return {
    'Artifacts.getArtifact': async (call) => {
      const runUuid = required(call, 'run_id', 'run_uuid');
      const path = parseArtifactPath(required(call, 'path'));
      return send(call, await places.resolve(await db.read(readRunArtifactUri, runUuid)), path);
    },
    'Artifacts.getLoggedModelArtifact': async (call) => {
      const path = parseArtifactPath(required(call, 'artifact_file_path'));
      const uri = await db.read(readModelArtifactUri, call.path.model_id ?? '');
      return send(call, await places.resolve(uri), path);
    },
    'Artifacts.uploadArtifact': async (call) => {
      const { request, reply } = call;
      const runUuid = required(call, 'run_uuid');
      const path = parseArtifactPath(required(call, 'path'));
      if (Number(request.headers['content-length'] ?? 0) > MAX_UI_UPLOAD) throw tooLarge();
      const place = await places.resolve(await db.read(readRunArtifactUri, runUuid));
      return receiveInto(request, reply, ({ body, ...options }) =>
        place.store.write(within(place, path), limited(body), options),
      );
    },
  };
}

const tooLarge = () => invalid('Artifact size is too large. Max size is 10MB.');

/** The chunks of an upload from the UI: some, and not too many. */
async function* limited(body: Readable): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_UI_UPLOAD) throw tooLarge();
    yield chunk;
  }
  if (size === 0) throw invalid('Request must specify data.');
}

function required({ query }: RawCall, ...names: readonly string[]): string {
  for (const name of names) {
    const value = query.get(name);
    if (value) return value;
  }
  throw new DomainError('INVALID_PARAMETER_VALUE', `Request must specify ${names[0]}.`);
}
