import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../paths.ts';
import { add, none, type StageResult, single } from '../result.ts';
import { runProgram } from '../run-program.ts';
import { runVitest } from './vitest.ts';

interface Check {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
}

const projects = ['tsconfig.json', 'apps/ui/tsconfig.json'].filter((file) => existsSync(join(root, file)));

const checks: readonly Check[] = [
  ...projects.map((project) => ({
    name: `types (${project})`,
    script: 'node_modules/typescript7/bin/tsc',
    args: ['--noEmit', '-p', project],
  })),
  {
    name: 'format and lint (Biome)',
    script: 'node_modules/@biomejs/biome/bin/biome',
    args: ['check', '--error-on-warnings', '.'],
  },
  { name: 'unused code and dependencies (knip)', script: 'node_modules/knip/bin/knip.js', args: ['--no-progress'] },
];

/** The fast checks: types, lint, dead code, and the rules of `tools/tidy`. */
export async function runChecks(): Promise<StageResult> {
  let result = none;
  for (const { name, script, args } of checks) {
    const { code, output } = await runProgram(process.execPath, [join(root, script), ...args]);
    console.log(`${code === 0 ? 'ok' : 'FAILED'}: ${name}`);
    if (code !== 0) console.log(output);
    result = add(result, single(name, code === 0));
  }
  return add(result, await runVitest(['tools/tidy']));
}
