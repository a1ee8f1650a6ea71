import { queryOptions } from '@tanstack/react-query';
import { formatBytes } from '../format/number.ts';
import { byName } from '../format/order.ts';
import { get, send, serverUrl } from './request.ts';
import type { WireFile } from './wire.ts';

/** Where a tree of files hangs: a run, or a model that a run made. */
export interface ArtifactRoot {
  kind: 'run' | 'model';
  id: string;
  /** Whether files may still arrive. */
  live: boolean;
}

export interface Listing {
  files: readonly WireFile[];
  truncated: boolean;
}

const LIVE_MS = 10_000;

interface WireListing {
  files?: WireFile[];
  next_page_token?: string;
}

export function listingQuery(root: ArtifactRoot, path: string) {
  return queryOptions({
    queryKey: ['artifacts', root.kind, root.id, path],
    queryFn: async ({ signal }): Promise<Listing> => {
      const answer =
        root.kind === 'run'
          ? await get<WireListing>('artifacts/list', { run_id: root.id, ...(path && { path }) }, signal)
          : await get<WireListing>(
              `logged-models/${encodeURIComponent(root.id)}/artifacts/directories`,
              path ? { artifact_directory_path: path } : {},
              signal,
            );
      const files = (answer.files ?? []).toSorted(foldersFirst);
      return { files, truncated: Boolean(answer.next_page_token) };
    },
    refetchInterval: root.live ? LIVE_MS : false,
  });
}

export function fileUrl(root: ArtifactRoot, path: string): string {
  return root.kind === 'run'
    ? serverUrl('get-artifact', { run_id: root.id, path })
    : serverUrl(`ajax-api/2.0/mlflow/logged-models/${encodeURIComponent(root.id)}/artifacts/files`, {
        artifact_file_path: path,
      });
}

/** Throws where the file has grown past `limit` bytes since it was listed. */
export async function readFile(
  root: ArtifactRoot,
  path: string,
  limit: number,
  signal: AbortSignal,
): Promise<ArrayBuffer> {
  const response = await send(fileUrl(root, path), { signal });
  if (Number(response.headers.get('content-length')) > limit) {
    await response.body?.cancel();
    throw new Error(`${path} is larger than the ${formatBytes(limit)} that are shown here: download it.`);
  }
  return response.arrayBuffer();
}

function foldersFirst(a: WireFile, b: WireFile): number {
  return Number(b.is_dir ?? false) - Number(a.is_dir ?? false) || byName(a.path, b.path);
}
