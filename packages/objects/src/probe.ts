import { randomUUID } from 'node:crypto';
import { DomainError } from '@millrace/core';
import { type ArtifactPath, parseArtifactPath } from './artifact-path.ts';
import type { ArtifactStore } from './artifact-store.ts';

/** Does to a probe what artifacts need done; a refusal names the destination and the step that failed. */
export async function checkByProbe(store: ArtifactStore): Promise<void> {
  const folder = parseArtifactPath(`.millrace-probe-${randomUUID()}`);
  const probe = parseArtifactPath(`${folder}/probe`);
  const content = Buffer.from('millrace checks that it can store artifacts here');
  await step(store, 'write', () => store.write(probe, oneChunk(content), { contentLength: content.byteLength }));
  try {
    await step(store, 'list', async () => {
      const names = (await store.list(folder)).map((entry) => entry.name);
      if (!names.includes('probe')) throw new DomainError('INTERNAL_ERROR', 'what was just written is not listed');
    });
    await step(store, 'read', async () => {
      if (!content.equals(await readWhole(store, probe))) {
        throw new DomainError('INTERNAL_ERROR', 'what was just written reads back differently');
      }
    });
  } finally {
    await step(store, 'delete', () => store.delete(folder));
  }
}

async function step<T>(store: ArtifactStore, verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    const { code, status } = error instanceof DomainError ? error : { code: 'INTERNAL_ERROR' as const, status: 500 };
    throw new DomainError(code, `The artifact destination ${store.uri} cannot ${verb}: ${because}`, {
      status,
      cause: error,
    });
  }
}

async function readWhole(store: ArtifactStore, path: ArtifactPath): Promise<Buffer> {
  const { stream } = await store.open(path);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* oneChunk(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
