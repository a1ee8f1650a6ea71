import { DomainError } from '@millrace/core';
import ssh2, { type FileEntryWithStats, type OpenMode, type SFTPWrapper, type Stats } from 'ssh2';
import type { SftpConfig } from './sftp-config.ts';

const CONNECTION_LOST = 'the connection was lost';

/** SFTP's own status numbers, as ssh2 sets them on errors. */
const STATUS = ssh2.utils.sftp.STATUS_CODE;

type Done<T> = (error?: Error | null, value?: T) => void;

/** One logged-in connection; many requests share it at once. When it breaks, all of them fail and `isOpen` turns false. */
export class SftpSession {
  readonly #client: InstanceType<typeof ssh2.Client>;
  readonly #sftp: SFTPWrapper;
  /** ssh2 leaves requests of a broken connection without an answer: these give them one. */
  readonly #pending = new Set<(error: Error) => void>();
  #isOpen = true;

  private constructor(client: InstanceType<typeof ssh2.Client>, sftp: SFTPWrapper) {
    this.#client = client;
    this.#sftp = sftp;
    const broken = () => {
      this.#isOpen = false;
      for (const fail of this.#pending) fail(new Error(CONNECTION_LOST));
    };
    client.on('close', broken).on('error', broken);
    sftp.on('close', broken).on('error', broken);
  }

  static connect({ connect, refusal }: SftpConfig): Promise<SftpSession> {
    const client = new ssh2.Client();
    return new Promise<SftpSession>((resolve, reject) => {
      client.once('error', (error) => reject(refusal() ?? error));
      client.once('close', () => reject(refusal() ?? new Error(CONNECTION_LOST)));
      client.once('ready', () => {
        // Requests are small: waiting to fill packets costs 40 ms each.
        client.setNoDelay(true);
        client.sftp((error, sftp) => (error ? reject(error) : resolve(new SftpSession(client, sftp))));
      });
      client.connect(connect);
    }).catch((error) => {
      client.on('error', () => {});
      client.end();
      throw error;
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(path: string, mode: OpenMode): Promise<Buffer> {
    return this.#request((done) => this.#sftp.open(path, mode, done));
  }

  close(handle: Buffer): Promise<void> {
    return this.#request((done) => this.#sftp.close(handle, done));
  }

  /** Resolves to how many bytes came: 0 at the end of the file. */
  async read(handle: Buffer, into: Buffer, offset: number, length: number, position: number): Promise<number> {
    try {
      return await this.#request((done) => this.#sftp.read(handle, into, offset, length, position, done));
    } catch (error) {
      if (hasStatus(error, STATUS.EOF)) return 0;
      throw error;
    }
  }

  write(handle: Buffer, bytes: Buffer, position: number): Promise<void> {
    return this.#request((done) => this.#sftp.write(handle, bytes, 0, bytes.byteLength, position, done));
  }

  fstat(handle: Buffer): Promise<Stats> {
    return this.#request((done) => this.#sftp.fstat(handle, done));
  }

  stat(path: string): Promise<Stats> {
    return this.#request((done) => this.#sftp.stat(path, done));
  }

  lstat(path: string): Promise<Stats> {
    return this.#request((done) => this.#sftp.lstat(path, done));
  }

  readdir(path: string): Promise<FileEntryWithStats[]> {
    return this.#request((done) => this.#sftp.readdir(path, done));
  }

  mkdir(path: string, mode?: number): Promise<void> {
    return this.#request((done) => this.#sftp.mkdir(path, mode === undefined ? {} : { mode }, done));
  }

  rmdir(path: string): Promise<void> {
    return this.#request((done) => this.#sftp.rmdir(path, done));
  }

  unlink(path: string): Promise<void> {
    return this.#request((done) => this.#sftp.unlink(path, done));
  }

  /** Puts the file on the server's disk, where the server can be asked to (OpenSSH can). */
  async fsync(handle: Buffer): Promise<void> {
    await this.#extension((done) => this.#sftp.ext_openssh_fsync(handle, done));
  }

  /** Replaces `to` in one step; a server without that extension refuses where `to` exists. */
  async replace(from: string, to: string): Promise<void> {
    const replaced = await this.#extension((done) => this.#sftp.ext_openssh_rename(from, to, done));
    if (!replaced) await this.#request<void>((done) => this.#sftp.rename(from, to, done));
  }

  /** Bytes that are free where the path is; undefined where the server doesn't say. */
  async freeBytes(path: string): Promise<number | undefined> {
    let free: number | undefined;
    await this.#extension((done) =>
      this.#sftp.ext_openssh_statvfs(path, (error, info: { f_bavail: number; f_frsize: number } | undefined) => {
        if (info !== undefined) free = Number(info.f_bavail) * Number(info.f_frsize);
        done(error);
      }),
    );
    return free;
  }

  end(): void {
    this.#client.end();
  }

  #request<T>(start: (done: Done<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) return reject(new Error(CONNECTION_LOST));
      const done: Done<T> = (error, value) => {
        this.#pending.delete(reject);
        if (error) reject(error);
        else resolve(value as T);
      };
      this.#pending.add(reject);
      try {
        start(done);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** False where the server lacks the extension, which ssh2 says by throwing. */
  async #extension(start: (done: Done<void>) => void): Promise<boolean> {
    try {
      await this.#request(start);
      return true;
    } catch (error) {
      if (error instanceof Error && /does not support this extended request/.test(error.message)) return false;
      throw error;
    }
  }
}

export const isNoSuchFile = (error: unknown): boolean => hasStatus(error, STATUS.NO_SUCH_FILE);
export const isDenied = (error: unknown): boolean => hasStatus(error, STATUS.PERMISSION_DENIED);
/** The status for all that SFTP has no word for: something is in the way, not empty, or the disk is full. */
export const isFailure = (error: unknown): boolean => hasStatus(error, STATUS.FAILURE);

const hasStatus = (error: unknown, status: number): boolean =>
  !(error instanceof DomainError) && error instanceof Error && 'code' in error && error.code === status;
