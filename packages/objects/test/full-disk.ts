// Fills the small disk that the store is on, and prints what the store said and what is left.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError } from '@millrace/core';
import { openStore, parseArtifactPath, ROOT, TEMP_FOLDER } from '../src/index.ts';

const folder = process.argv[2]!;
const store = await openStore(folder);
const old = parseArtifactPath('old');

async function* bytes(count: number) {
  for (let sent = 0; sent < count; sent += 50_000) yield Buffer.alloc(Math.min(50_000, count - sent));
}

await store.write(old, bytes(3));
const error = await store.write(old, bytes(10_000_000)).catch((error: unknown) => error);
const afterwards: string[] = [];
for await (const { path, size } of store.listRecursive(ROOT)) afterwards.push(`${path}:${size}`);
const temp = readdirSync(join(folder, TEMP_FOLDER));
const { size: freed } = await store.write(parseArtifactPath('new'), bytes(1_000_000));
if (!(error instanceof DomainError)) throw error;
const refused = { code: error.code, status: error.status, says: /disk .* is full/.test(error.message) };
console.log(JSON.stringify({ refused, afterwards, temp, freed }));
