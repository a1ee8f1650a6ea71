import { closeSync, fdatasyncSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

/** How often a second the disk under `folder` makes an appended 4 KiB durable, one after the other. */
export function fsyncsPerSecond(folder: string, seconds: number): number {
  const path = join(folder, 'fsync.probe');
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const begin = performance.now();
  let count = 0;
  try {
    for (; performance.now() - begin < seconds * 1000; count++) {
      writeSync(file, page);
      fdatasyncSync(file);
    }
    return (count * 1000) / (performance.now() - begin);
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

/** Seconds that a plain copy of a file of `bytes` takes: read, write, one fsync. The source is in the page cache. */
export function copySeconds(folder: string, bytes: number): number {
  const [source, target] = [join(folder, 'copy.source'), join(folder, 'copy.target')];
  const piece = Buffer.alloc(1024 * 1024, 7);
  writeAll(source, bytes, () => piece.length);
  const input = openSync(source, 'r');
  try {
    const begin = performance.now();
    writeAll(target, bytes, () => readSync(input, piece));
    return (performance.now() - begin) / 1000;
  } finally {
    closeSync(input);
    rmSync(source);
    rmSync(target);
  }

  function writeAll(path: string, size: number, fill: () => number): void {
    const file = openSync(path, 'w');
    for (let written = 0; written < size; ) written += writeSync(file, piece, 0, Math.min(fill(), size - written));
    fsyncSync(file);
    closeSync(file);
  }
}
