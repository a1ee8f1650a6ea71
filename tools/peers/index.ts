export { startAzure } from './azure.ts';
export { startGcs } from './gcs.ts';
export type { Peer } from './peer.ts';
export { provisionPeers } from './provision.ts';
export { startS3 } from './s3.ts';
export { type SftpPeer, startSftp } from './sftp.ts';
