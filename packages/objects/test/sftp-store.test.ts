import { startSftp } from '../../../tools/peers/index.ts';
import { openStore } from '../src/index.ts';
import { describeStore } from './store-contract.ts';

describeStore('sftp', async () => {
  const peer = await startSftp();
  const store = await openStore(peer.uri, { env: peer.env });
  return { store, stop: () => store.close().then(() => peer.stop()) };
});
