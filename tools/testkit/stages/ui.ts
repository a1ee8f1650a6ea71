import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findChromium } from '../chromium.ts';
import { root } from '../paths.ts';
import { add, none, type StageResult, single } from '../result.ts';
import { startServer } from '../server.ts';
import { runVitest } from './vitest.ts';

/** The built UI in a real browser, against a running server. */
export async function runUi(filters: readonly string[]): Promise<StageResult> {
  if (!existsSync(join(root, 'apps/ui/dist/index.html'))) return single('the UI could not be built: see above', false);
  if (findChromium() === undefined) {
    return { ...none, skipped: 1, skips: ['the UI in a browser (not tested: Chromium is not installed)'] };
  }
  const server = await startServer();
  const config = ['--config', 'apps/ui/e2e/vitest.config.ts'];
  const result = await runVitest([...config, ...filters], { MILLRACE_TEST_URL: server.url });
  const exitCode = await server.stop();
  return add(result, single(`the server ended with exit status ${exitCode} after the UI's tests`, exitCode === 0));
}
