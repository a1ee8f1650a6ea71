import { startGcs } from '../../../tools/peers/index.ts';
import { openStore } from '../src/index.ts';
import { describeStore, PAGE_SIZE } from './store-contract.ts';

describeStore('gcs', async () => {
  const peer = await startGcs();
  const store = await openStore(peer.uri, { env: peer.env, pageSize: PAGE_SIZE });
  return { store, stop: () => store.close().then(() => peer.stop()) };
});
