import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Peer, startAzure, startGcs, startS3, startSftp } from '@millrace/tools/peers';
import { startServer, type TestServer, tempDir } from '@millrace/tools/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { artifacts, Gate, newRunFolder, type Refusal } from './support.ts';

/** The same store, through a gate: every mention of its port becomes the gate's. */
async function gated(peer: Peer): Promise<{ gate: Gate; uri: string; env: Record<string, string> }> {
  const port = /127\.0\.0\.1:(\d+)/.exec(JSON.stringify(peer))?.[1] ?? '';
  const gate = await Gate.to(Number(port));
  const rewritten = (text: string) => text.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${gate.port}`);
  const env = Object.fromEntries(Object.entries(peer.env).map(([name, value]) => [name, rewritten(value)]));
  return { gate, uri: rewritten(peer.uri), env };
}

async function refusal(server: TestServer, method: string, path: string): Promise<Refusal> {
  const answer = await fetch(server.url + path, { method, ...(method === 'PUT' ? { body: 'x' } : {}) });
  const body = (await answer.json()) as Refusal;
  expect(answer.status, body.message).toBe(503);
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(body.error_code).toBe('TEMPORARILY_UNAVAILABLE');
  return body;
}

describe.each([
  ['S3', startS3],
  ['Azure', startAzure],
  ['Google Cloud Storage', startGcs],
  ['SFTP', startSftp],
] as const)('%s', (_name, startPeer) => {
  test('a server whose store is down tracks, refuses artifacts in words, and takes them once it is back', async () => {
    const peer = await startPeer();
    onTestFinished(() => peer.stop());
    const { gate, uri, env } = await gated(peer);
    onTestFinished(() => gate.close());
    const knownHosts = join(tempDir('hosts'), 'known_hosts');
    writeFileSync(knownHosts, '');
    // The gate is another host to SSH.
    const ssh = { MILLRACE_SFTP_STRICT_HOST_KEY_CHECKING: 'accept-new', MILLRACE_SFTP_KNOWN_HOSTS: knownHosts };
    const server = await startServer({ args: ['--artifacts-destination', uri], env: { ...env, ...ssh } });
    onTestFinished(async () => void (await server.stop()));

    const { folder } = await newRunFolder(server);
    for (let round = 0; round < 2; round++) {
      for (const [method, path] of [
        ['PUT', `${folder}a.txt`],
        ['GET', `${folder}a.txt`],
        ['HEAD', `${folder}a.txt`],
        ['GET', `${artifacts}?path=0`],
        ['DELETE', `${folder}a.txt`],
      ] as const) {
        if (method === 'HEAD') expect((await fetch(server.url + path, { method })).status).toBe(503);
        else expect((await refusal(server, method, path)).message).toContain('cannot be reached');
      }
      expect((await newRunFolder(server)).run).toMatch(/^[0-9a-f]{32}$/);

      await gate.open();
      expect((await fetch(`${server.url}${folder}a.txt`, { method: 'PUT', body: 'back' })).status).toBe(200);
      expect(await (await fetch(`${server.url}${folder}a.txt`)).text()).toBe('back');
      await gate.close();
    }
    expect(server.log()).not.toMatch(/request failed|nhandled/);
  });
});
