import { startS3 } from '../../../tools/peers/index.ts';
import { openStore } from '../src/index.ts';
import { describeStore, PAGE_SIZE } from './store-contract.ts';

describeStore('s3', async () => {
  const peer = await startS3();
  const store = await openStore(peer.uri, { env: peer.env, pageSize: PAGE_SIZE });
  return { store, stop: () => store.close().then(() => peer.stop()) };
});
