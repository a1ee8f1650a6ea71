import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import ssh2, { type AuthContext, type ServerChannel } from 'ssh2';
import { tempDir } from '../testkit/temp-dir.ts';
import type { Peer } from './peer.ts';
import { findSftpServer, needed } from './programs.ts';

const { Server, utils } = ssh2;

const USER = 'millrace';
const PASSWORD = 'a password of tests only';

export interface SftpPeer extends Peer {
  readonly port: number;
  /** The same destination, with the password in it. */
  readonly uriWithPassword: string;
  /** The folder that the destination is, on this machine. */
  readonly folder: string;
  /** Breaks every connection, as a network does; new ones are taken. */
  disconnect(): void;
  connections(): number;
}

/**
 * OpenSSH's sftp-server behind an SSH server of this process: it needs no root, no account and no service, takes a key or
 * a password, and reads and writes files as the real thing does.
 */
export async function startSftp(): Promise<SftpPeer> {
  const program = needed(findSftpServer(), 'sftp-server');
  const home = tempDir('sftp');
  const folder = join(home, 'store');
  const host = utils.generateKeyPairSync('ed25519');
  const client = utils.generateKeyPairSync('ed25519');
  const ssh = new Server({ hostKeys: [host.private] }, (connection) => {
    connection.on('authentication', (context) => {
      if (isKnown(context, client.public)) context.accept();
      else context.reject(['publickey', 'password']);
    });
    connection.on('session', (acceptSession) => {
      acceptSession().on('subsystem', (accept, reject, info) => {
        if (info.name === 'sftp') serve(accept(), program);
        else reject();
      });
    });
    connection.on('error', () => {});
  });
  // As sshd does: without it each small answer waits 40 ms for company.
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)));
    ssh.injectSocket(socket);
  });
  const disconnect = () => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const keyFile = join(home, 'id_ed25519');
  writeFileSync(keyFile, client.private, { mode: 0o600 });
  const knownHosts = join(home, 'known_hosts');
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${host.public}\n`);
  return {
    uri: `sftp://${USER}@127.0.0.1:${port}${folder}`,
    uriWithPassword: `sftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}${folder}`,
    env: { MILLRACE_SFTP_KEY_FILE: keyFile, MILLRACE_SFTP_KNOWN_HOSTS: knownHosts },
    port,
    folder,
    disconnect,
    connections: () => sockets.size,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        disconnect();
      }),
  };
}

function serve(channel: ServerChannel, program: string): void {
  const child = spawn(program, ['-e'], { stdio: ['pipe', 'pipe', 'ignore'] });
  channel.pipe(child.stdin).on('error', () => {});
  child.stdout.pipe(channel);
  child.on('exit', (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
  channel.on('close', () => child.kill());
}

function isKnown(context: AuthContext, publicKey: string): boolean {
  if (context.username !== USER) return false;
  if (context.method === 'password') return context.password === PASSWORD;
  if (context.method !== 'publickey') return false;
  const known = utils.parseKey(publicKey);
  if (known instanceof Error || !context.key.data.equals(known.getPublicSSH())) return false;
  return context.signature === undefined || known.verify(context.blob!, context.signature, context.hashAlgo) === true;
}
