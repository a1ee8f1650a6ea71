// `npm test [-- check|unit|ui|acceptance|reliability [filter …]]` and `npm run check`.
import { provision } from './provision/provision.ts';
import { add, none, type StageResult, summary } from './result.ts';
import { runAcceptance } from './stages/acceptance.ts';
import { runChecks } from './stages/check.ts';
import { runReliability } from './stages/reliability.ts';
import { runUi } from './stages/ui.ts';
import { runUnit } from './stages/unit.ts';

type Stage = (filters: readonly string[]) => Promise<StageResult>;

const stages: Readonly<Record<string, Stage>> = {
  check: runChecks,
  unit: runUnit,
  ui: runUi,
  acceptance: runAcceptance,
  reliability: runReliability,
};

async function main([task, chosen, ...filters]: readonly string[]): Promise<number> {
  const names = task === 'check' ? ['check'] : chosen === undefined ? Object.keys(stages) : [chosen];
  const unknown = names.find((name) => !Object.hasOwn(stages, name));
  if (unknown !== undefined) {
    console.error(`No part '${unknown}' of the tests: ${Object.keys(stages).join(', ')} exist.`);
    return 1;
  }
  const missing = names.some((name) => name !== 'check') ? await provision() : [];
  let total = none;
  for (const name of names) {
    heading(name);
    total = add(total, await stages[name]!(filters));
  }
  heading('result');
  for (const line of total.skips) console.log(`skipped: ${line}`);
  for (const line of missing) console.log(`not available here: ${line}`);
  for (const line of total.failures) console.log(`failed: ${line}`);
  console.log(summary(total));
  return total.failed === 0 ? 0 : 1;
}

function heading(name: string): void {
  console.log(`\n=== ${name} ===`);
}

process.exitCode = await main(process.argv.slice(2));
