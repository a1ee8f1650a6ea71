// Writes objects until it is killed, and prints the path of each one that was acknowledged.
import { writeSync } from 'node:fs';
import { openStore, parseArtifactPath } from '../src/index.ts';

const store = await openStore(process.argv[2]!);

async function* body() {
  for (let part = 0; part < 4; part += 1) yield Buffer.alloc(50_000, part);
}

async function writeOn(writer: number): Promise<never> {
  for (let object = 0; ; object += 1) {
    const path = parseArtifactPath(`w${writer}/d${object % 5}/${object}`);
    await store.write(path, body(), { contentLength: 200_000 });
    writeSync(1, `${path}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, writer) => writeOn(writer)));
