import { promisify } from 'node:util';
import { DomainError } from '@millrace/core';
import ssh2, { type FileEntryWithStats, type InputAttributes, type OpenMode, type SFTPWrapper, type Stats } from 'ssh2';
import type { SftpConfig } from './sftp-config.ts';

/** SFTP's own status numbers, as ssh2 sets them on errors. */
const STATUS = ssh2.utils.sftp.STATUS_CODE;

/** One logged-in connection; many requests share it at once. When it breaks, all of them fail and `isOpen` turns false. */
export class SftpSession {
  readonly #client: InstanceType<typeof ssh2.Client>;
  readonly #sftp: SFTPWrapper;
  #isOpen = true;

  private constructor(client: InstanceType<typeof ssh2.Client>, sftp: SFTPWrapper) {
    this.#client = client;
    this.#sftp = sftp;
    const closed = () => {
      this.#isOpen = false;
    };
    client.on('close', closed).on('error', closed);
    sftp.on('close', closed);
  }

  static connect({ connect, refusal }: SftpConfig): Promise<SftpSession> {
    const client = new ssh2.Client();
    return new Promise<SftpSession>((resolve, reject) => {
      client.once('error', (error) => reject(refusal() ?? error));
      client.once('close', () => reject(refusal() ?? new Error('the server closed the connection')));
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

  open(path: string, mode: OpenMode, attributes: InputAttributes = {}): Promise<Buffer> {
    return promisify<string, OpenMode, InputAttributes, Buffer>(this.#sftp.open.bind(this.#sftp))(
      path,
      mode,
      attributes,
    );
  }

  close(handle: Buffer): Promise<void> {
    return this.#call((done) => this.#sftp.close(handle, done));
  }

  /** Resolves to how many bytes came: 0 at the end of the file. */
  read(handle: Buffer, into: Buffer, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#sftp.read(handle, into, offset, length, position, (error, bytes) => {
        if (!error) resolve(bytes);
        else if (hasStatus(error, STATUS.EOF)) resolve(0);
        else reject(error);
      });
    });
  }

  write(handle: Buffer, bytes: Buffer, position: number): Promise<void> {
    return this.#call((done) => this.#sftp.write(handle, bytes, 0, bytes.byteLength, position, done));
  }

  fstat(handle: Buffer): Promise<Stats> {
    return new Promise((resolve, reject) => {
      this.#sftp.fstat(handle, (error, stats) => (error ? reject(error) : resolve(stats)));
    });
  }

  stat(path: string): Promise<Stats> {
    return new Promise((resolve, reject) => {
      this.#sftp.stat(path, (error, stats) => (error ? reject(error) : resolve(stats)));
    });
  }

  lstat(path: string): Promise<Stats> {
    return new Promise((resolve, reject) => {
      this.#sftp.lstat(path, (error, stats) => (error ? reject(error) : resolve(stats)));
    });
  }

  readdir(path: string): Promise<FileEntryWithStats[]> {
    return new Promise((resolve, reject) => {
      this.#sftp.readdir(path, (error, entries) => (error ? reject(error) : resolve(entries)));
    });
  }

  mkdir(path: string, mode?: number): Promise<void> {
    return this.#call((done) => this.#sftp.mkdir(path, mode === undefined ? {} : { mode }, done));
  }

  rmdir(path: string): Promise<void> {
    return this.#call((done) => this.#sftp.rmdir(path, done));
  }

  unlink(path: string): Promise<void> {
    return this.#call((done) => this.#sftp.unlink(path, done));
  }

  /** Puts the file on the server's disk, where the server can be asked to (OpenSSH can). */
  async fsync(handle: Buffer): Promise<void> {
    await this.#extension((done) => this.#sftp.ext_openssh_fsync(handle, done));
  }

  /** Replaces `to` in one step; a server without that extension refuses where `to` exists. */
  async replace(from: string, to: string): Promise<void> {
    const replaced = await this.#extension((done) => this.#sftp.ext_openssh_rename(from, to, done));
    if (!replaced) await this.#call((done) => this.#sftp.rename(from, to, done));
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
    this.#isOpen = false;
    this.#client.end();
  }

  #call(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      start((error) => (error ? reject(error) : resolve()));
    });
  }

  /** False where the server lacks the extension, which ssh2 says by throwing. */
  async #extension(start: (done: (error?: Error | null) => void) => void): Promise<boolean> {
    try {
      await this.#call(start);
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
