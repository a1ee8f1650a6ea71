import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort, root, tempDir } from '../tools/testkit/index.ts';

const PROGRAM = `
const args: string[] = process.argv.slice(2);
if (args[0] === 'exit') process.exitCode = Number(args[1]);
if (args[0] === 'wait') {
  process.on('SIGTERM', () => process.exit(7));
  setInterval(() => {}, 1000);
}
console.log(JSON.stringify(args));
`;

/** Nodes before 22.15 can't replace themselves by another program. */
const OLD_NODE = ['--import', 'data:text/javascript,process.execve=undefined'];

/** A checkout in a folder with a space, of a product that has no dependencies, so that npm needs no registry. */
function checkout(dependencies: Readonly<Record<string, string>> = {}): string {
  const dir = join(tempDir('checkout'), 'a b');
  mkdirSync(join(dir, 'apps/cli/src'), { recursive: true });
  cpSync(join(root, 'scripts'), join(dir, 'scripts'), { recursive: true });
  const manifest = { name: 'product', version: '1.0.0', type: 'module', dependencies };
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
  writeLock(dir, manifest);
  writeFileSync(join(dir, 'apps/cli/src/main.ts'), PROGRAM);
  return dir;
}

function writeLock(dir: string, manifest: object): void {
  const lock = { name: 'product', version: '1.0.0', lockfileVersion: 3, requires: true, packages: { '': manifest } };
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(lock));
}

interface End {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Start {
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Sent as soon as the program has written something. */
  readonly signal?: NodeJS.Signals;
}

function bootstrap(dir: string, args: readonly string[], { nodeArgs = [], env, signal }: Start = {}): Promise<End> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeArgs, join(dir, 'scripts/bootstrap.mjs'), ...args], {
      env: { ...process.env, NO_COLOR: '1', npm_config_cache: join(dir, '../npm-cache'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (signal !== undefined) child.kill(signal);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('bootstrap', () => {
  it('installs once, then runs the command line with its arguments and passes its exit code on', async () => {
    const dir = checkout();
    const first = await bootstrap(dir, ['exit', '3', 'x y']);
    expect(first).toEqual({
      code: 3,
      stdout: '["exit","3","x y"]\n',
      stderr: 'millrace: installing packages (once, under a minute) …\n',
    });
    expect(await bootstrap(dir, ['exit', '0'])).toEqual({ code: 0, stdout: '["exit","0"]\n', stderr: '' });
  });

  it('installs again when the lockfile changed, and leaves it as it is', async () => {
    const dir = checkout();
    await bootstrap(dir, []);
    writeLock(dir, { name: 'product', version: '1.0.1' });
    writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'product', version: '1.0.1' }));
    const lock = readFileSync(join(dir, 'package-lock.json'), 'utf8');
    expect((await bootstrap(dir, [])).stderr).toMatch(/^millrace: (updating|installing) packages/);
    expect(readFileSync(join(dir, 'package-lock.json'), 'utf8')).toBe(lock);
  });

  it.each([
    ['replaces itself', []],
    ['starts a child', OLD_NODE],
  ])('reaches the program with a signal where it %s', async (_how, nodeArgs) => {
    const end = await bootstrap(checkout(), ['wait'], { nodeArgs, signal: 'SIGTERM' });
    expect(end).toMatchObject({ code: 7, stdout: '["wait"]\n' });
  });

  it('lets a second start wait for the first one to install', async () => {
    const dir = checkout();
    const ends = await Promise.all([bootstrap(dir, ['1']), bootstrap(dir, ['2']), bootstrap(dir, ['3'])]);
    expect(ends.map(({ code, stdout }) => [code, stdout])).toEqual([1, 2, 3].map((n) => [0, `["${n}"]\n`]));
    expect(ends.filter(({ stderr }) => stderr.includes('installing packages'))).toHaveLength(1);
  });

  it('takes over from a start that was killed while it installed', async () => {
    const dir = checkout();
    mkdirSync(join(dir, 'node_modules'));
    writeFileSync(join(dir, 'node_modules/.millrace-lock'), '4194305 elsewhere');
    const past = new Date(0);
    utimesSync(join(dir, 'node_modules/.millrace-lock'), past, past);
    expect(await bootstrap(dir, [])).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  it('says in one line that the registry is not reached, with what npm said below', async () => {
    const dir = checkout({ 'left-pad': '1.3.0' });
    const registry = `http://127.0.0.1:${await freePort()}`;
    const env = { npm_config_registry: registry, npm_config_fetch_retries: '0' };
    const { code, stdout, stderr } = await bootstrap(dir, [], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(
      'the packages could not be installed (npm: exit status 1). Is the npm registry reachable?',
    );
    expect(stderr).toContain('ECONNREFUSED');
  });

  it('refuses a task that does not exist', async () => {
    const { code, stderr } = await bootstrap(checkout(), ['--task', 'dance']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "millrace: No task 'dance': test, check, bench exist.\n" });
  });
});

describe('bootstrap of the UI', () => {
  function withUi(): string {
    const dir = checkout();
    mkdirSync(join(dir, 'apps/ui/src'), { recursive: true });
    writeFileSync(join(dir, 'apps/ui/index.html'), '<script type="module" src="/src/main.ts"></script>');
    writeFileSync(join(dir, 'apps/ui/src/main.ts'), 'document.title = "one";');
    return dir;
  }

  it('builds for the server when sources changed, and serves on with the last good one when they are broken', async () => {
    const dir = withUi();
    await bootstrap(dir, ['install']);
    symlinkSync(join(root, 'node_modules/vite'), join(dir, 'node_modules/vite'));
    expect((await bootstrap(dir, ['server'])).stderr).toBe('millrace: building the UI …\n');
    expect(existsSync(join(dir, 'apps/ui/dist/index.html'))).toBe(true);
    expect((await bootstrap(dir, ['server'])).stderr).toBe('');
    expect((await bootstrap(dir, ['doctor'])).stderr).toBe('');

    writeFileSync(join(dir, 'apps/ui/src/main.ts'), 'document.title = (');
    const broken = await bootstrap(dir, ['server']);
    expect(broken).toMatchObject({ code: 0, stdout: '["server"]\n' });
    expect(broken.stderr).toContain('the UI could not be built; the previous one is served. Vite (exit status 1):');
    expect(broken.stderr).toContain('src/main.ts:1');
    expect(existsSync(join(dir, 'apps/ui/dist/index.html'))).toBe(true);
  });

  it('starts the API alone when there is nothing to serve', async () => {
    const dir = withUi();
    await bootstrap(dir, ['install']);
    const { code, stderr } = await bootstrap(dir, ['server']);
    expect(code).toBe(0);
    expect(stderr).toContain('the UI could not be built; only the API is served.');
  });
});
