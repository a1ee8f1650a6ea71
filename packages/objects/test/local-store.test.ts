import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../src/index.ts';
import { describeStore } from './store-contract.ts';

describeStore('local', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-objects-'));
  const store = await openStore(folder);
  return { store, stop: () => rm(folder, { recursive: true }) };
});
