// Writes one object, deletes it, and says on standard output when each was acknowledged: for a tracer to watch.
import { writeSync } from 'node:fs';
import { openStore, parseArtifactPath } from '../src/index.ts';

async function* body() {
  yield Buffer.from('content');
}

const store = await openStore(process.argv[2]!);
const path = parseArtifactPath('new/folder/object');
await store.write(path, body());
writeSync(1, 'written\n');
await store.delete(path);
writeSync(1, 'deleted\n');
