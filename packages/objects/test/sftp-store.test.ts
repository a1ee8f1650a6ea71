import { appendFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SftpPeer, startSftp } from '../../../tools/peers/index.ts';
import { tempDir } from '../../../tools/testkit/temp-dir.ts';
import { type ArtifactStore, parseArtifactPath as at, openStore, ROOT, TEMP_FOLDER } from '../src/index.ts';
import { bytesOf, describeStore, put, read, streamOf, walk } from './store-contract.ts';

describeStore('sftp', async () => {
  const peer = await startSftp();
  const store = await openStore(peer.uri, { env: peer.env });
  return { store, stop: () => store.close().then(() => peer.stop()) };
});

describe('an SFTP store', () => {
  let peer: SftpPeer;
  const stores: ArtifactStore[] = [];
  beforeAll(async () => {
    peer = await startSftp();
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await peer?.stop();
  });
  const opened = async (env: Record<string, string | undefined> = {}, uri = peer.uri) => {
    const store = await openStore(uri, { env: { HOME: tempDir('home'), ...peer.env, ...env } });
    stores.push(store);
    return store;
  };
  const scanned = () => `[127.0.0.1]:${peer.port}`;

  it('logs in by key or by password, and shows no password', async () => {
    await put(await opened(), at('by-key'), 'x');
    const store = await opened({ MILLRACE_SFTP_KEY_FILE: undefined }, peer.uriWithPassword);
    expect((await read(store, at('by-key'))).toString()).toBe('x');
    expect(store.uri).toBe(peer.uri);
  });

  it('says which settings are wrong when its login is refused', async () => {
    const refused = { code: 'PERMISSION_DENIED', message: expect.stringContaining('MILLRACE_SFTP_KEY_FILE') };
    const wrong = peer.uriWithPassword.replace(/:[^:@/]+@/, ':wrong@');
    await expect((await opened({ MILLRACE_SFTP_KEY_FILE: undefined }, wrong)).list(ROOT)).rejects.toMatchObject(
      refused,
    );
    await expect((await opened({ MILLRACE_SFTP_KEY_FILE: undefined })).list(ROOT)).rejects.toMatchObject(refused);
    const noKey = join(tempDir('key'), 'none');
    await expect((await opened({ MILLRACE_SFTP_KEY_FILE: noKey })).list(ROOT)).rejects.toThrow(
      `MILLRACE_SFTP_KEY_FILE is '${noKey}'`,
    );
    writeFileSync(noKey, 'not a key');
    await expect((await opened({ MILLRACE_SFTP_KEY_FILE: noKey })).check()).rejects.toMatchObject(refused);
  });

  it('trusts no host that it does not know, unless it is told to', async () => {
    const file = join(tempDir('known'), 'ssh/known_hosts');
    const env = { MILLRACE_SFTP_KNOWN_HOSTS: file };
    const unknown = { code: 'PERMISSION_DENIED', message: expect.stringMatching(/SHA256:.* not in .*ssh-keyscan/) };
    await expect((await opened(env)).list(ROOT)).rejects.toMatchObject(unknown);
    await (await opened({ ...env, MILLRACE_SFTP_STRICT_HOST_KEY_CHECKING: 'no' })).list(ROOT);
    await expect((await opened(env)).list(ROOT)).rejects.toMatchObject(unknown);
    await (await opened({ ...env, MILLRACE_SFTP_STRICT_HOST_KEY_CHECKING: 'accept-new' })).list(ROOT);
    expect(readFileSync(file, 'utf8')).toBe(
      readFileSync(peer.env.MILLRACE_SFTP_KNOWN_HOSTS!, 'utf8').replace(/ ?\n?$/, '\n'),
    );
    await (await opened(env)).list(ROOT);
    const odd = { ...env, MILLRACE_SFTP_STRICT_HOST_KEY_CHECKING: 'maybe' };
    await expect((await opened(odd)).list(ROOT)).rejects.toThrow(/is 'maybe'; it may be yes, accept-new, no/);
  });

  it('refuses a host key that changed or was revoked, also when told to accept new ones', async () => {
    const file = join(tempDir('known'), 'known_hosts');
    const env = { MILLRACE_SFTP_KNOWN_HOSTS: file, MILLRACE_SFTP_STRICT_HOST_KEY_CHECKING: 'accept-new' };
    const other = `ssh-ed25519 ${Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20another key').toString('base64')}`;
    writeFileSync(file, `${scanned()} ${other}\n`);
    await expect((await opened(env)).list(ROOT)).rejects.toThrow(/knows another one/);
    const key = readFileSync(peer.env.MILLRACE_SFTP_KNOWN_HOSTS!, 'utf8').trim();
    appendFileSync(file, `${key}\n@revoked * ${key.slice(key.indexOf(' ') + 1)}\n`);
    await expect((await opened(env)).list(ROOT)).rejects.toThrow(/revoked/);
  });

  it('is unavailable for a while where nothing answers, and back when the connection is', async () => {
    const elsewhere = await opened({}, peer.uri.replace(`:${peer.port}`, ':1'));
    await expect(elsewhere.list(ROOT)).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE', retryAfter: 5 });

    const store = await opened();
    await put(store, at('d/kept'), 'old');
    async function* interrupted() {
      yield Buffer.alloc(100_000);
      peer.disconnect();
      yield Buffer.alloc(5_000_000);
    }
    await expect(store.write(at('d/kept'), interrupted())).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    expect((await read(store, at('d/kept'))).toString()).toBe('old');
    expect(await store.list(at('d'))).toEqual([{ name: 'kept', isDir: false, size: 3 }]);
    expect(await store.sweep!(-60_000)).toBe(1);
    expect(readdirSync(join(peer.folder, TEMP_FOLDER))).toEqual([]);
  });

  it('fails a download that is cut off, and closes one that is left', async () => {
    const store = await opened();
    const content = Buffer.alloc(8_000_000, 7);
    await store.write(at('large'), streamOf(content, 65_536));
    const left = await store.open(at('large'));
    left.stream.destroy();
    const cut = await store.open(at('large'));
    const reading = bytesOf(cut.stream);
    peer.disconnect();
    await expect(reading).rejects.toThrow();
    expect((await read(store, at('large'))).equals(content)).toBe(true);
  });

  it('connects once for requests that come together', async () => {
    const store = await opened();
    await Promise.all(Array.from({ length: 8 }, () => store.list(ROOT)));
    peer.disconnect();
    while (peer.connections() > 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(Array.from({ length: 8 }, () => store.list(ROOT).catch(() => [])));
    await Promise.all(Array.from({ length: 8 }, () => store.list(ROOT)));
    expect(peer.connections()).toBe(1);
  });

  it('lists and follows no links', async () => {
    const store = await opened();
    const outside = tempDir('outside');
    writeFileSync(join(outside, 'secret'), 'secret');
    mkdirSync(join(peer.folder, 'links'));
    symlinkSync(join(outside, 'secret'), join(peer.folder, 'links/secret'));
    symlinkSync(outside, join(peer.folder, 'links/folder'));
    expect(await store.list(at('links'))).toEqual([]);
    expect(await walk(store, at('links'))).toEqual([]);
    await expect(store.open(at('links/secret'))).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
    await store.delete(at('links'));
    expect(readdirSync(outside)).toEqual(['secret']);
  });

  it('says that a file is in the way of a folder, and a folder of a file', async () => {
    const store = await opened();
    await put(store, at('way/file'), 'x');
    await expect(put(store, at('way/file/below'), 'y')).rejects.toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
    await expect(put(store, at('way'), 'y')).rejects.toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
    expect(await walk(store, at('way'))).toEqual(['way/file:1']);
  });
});
