import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const created = new Set<string>();

process.on('exit', () => {
  for (const path of created) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
});

/** A fresh folder that is gone when this process ends. */
export function tempDir(label = 'test'): string {
  const path = mkdtempSync(join(tmpdir(), `millrace-${label}-`));
  created.add(path);
  return path;
}
