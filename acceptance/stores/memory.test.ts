import { type Peer, startAzure, startGcs, startS3, startSftp } from '@millrace/tools/peers';
import { startServer } from '@millrace/tools/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { begin, countBytes, MIB, memory, newRunFolder, sendBytes } from './support.ts';

/** MILLRACE_TEST_LARGE=1 sends 5 GB instead of 2. */
const LOCAL = process.env.MILLRACE_TEST_LARGE === '1' ? 5000 : 2000;
/** The peers themselves hold what they are sent in memory. */
const REMOTE = 200;
/** What the server may hold at most of what passes through, copies that wait for the garbage collector included. */
const GROWTH = 110 * MIB;

test.each([
  ['a folder', undefined, LOCAL],
  ['S3', startS3, REMOTE],
  ['Azure', startAzure, REMOTE],
  ['Google Cloud Storage', startGcs, REMOTE],
  ['SFTP', startSftp, REMOTE],
] as const)('%s: a large file passes through little memory', async (_name, startPeer, megabytes) => {
  const peer: Peer | undefined = await startPeer?.();
  onTestFinished(async () => peer?.stop());
  const server = await startServer(
    peer === undefined ? {} : { args: ['--artifacts-destination', peer.uri], env: peer.env },
  );
  onTestFinished(async () => void (await server.stop()));
  const { folder } = await newRunFolder(server);
  const pass = async (size: number) => {
    const up = begin(server, 'PUT', `${folder}file.bin`, { 'content-length': size });
    await sendBytes(up.outgoing, size);
    expect((await up.answer).resume().statusCode).toBe(200);
    const down = begin(server, 'GET', `${folder}file.bin`);
    down.outgoing.end();
    expect(await countBytes(await down.answer)).toBe(size);
    await fetch(`${server.url}${folder}file.bin`, { method: 'DELETE' });
  };
  await pass(12 * MIB);
  const before = memory(server, 'VmRSS');
  await pass(megabytes * MIB);
  expect(memory(server, 'VmHWM') - before).toBeLessThan(GROWTH);
});
