import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { isSelected, type Options, parseOptions, USAGE } from './args.ts';
import { Bench } from './bench.ts';
import { profileSummary } from './profile.ts';
import { number, type Row, summary, TABLE_HEAD, tableLine } from './report.ts';
import type { Scenario } from './scenario.ts';
import { artifacts } from './scenarios/artifacts.ts';
import { histories } from './scenarios/history.ts';
import { memories, starts } from './scenarios/process.ts';
import { flatSearches, searches } from './scenarios/search.ts';
import { writes } from './scenarios/writes.ts';

/** Ordered so that scenarios on the same databases follow each other. */
const SCENARIOS: Scenario[] = [
  ...writes,
  ...artifacts,
  ...memories,
  ...searches,
  ...starts,
  ...histories,
  ...flatSearches,
];

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What the numbers depend on, as Markdown. */
function machine(options: Options, bench: Bench): string {
  const facts = [
    `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Linux ${release()}, load ${number(loadavg()[0] ?? 0)} at the start`,
    `Node ${process.version} with SQLite ${process.versions.sqlite ?? 'unknown'}`,
    `${number(bench.fsync().perSecond ?? Number.NaN)} fsync/s`,
  ];
  if (!options.oursOnly) {
    const python = join(options.mlflow, '../python');
    const code =
      'import sys,sqlite3,mlflow.version as m;print(m.VERSION,sys.version.split()[0],sqlite3.sqlite_version)';
    const [mlflow, version, sqlite] = execFileSync(python, ['-c', code], { encoding: 'utf8' }).trim().split(' ');
    facts.push(`mlflow ${mlflow} on Python ${version} with SQLite ${sqlite}, default options, telemetry off`);
  }
  const sizes = options.mode === 'quick' ? ', reduced sizes' : '';
  facts.push(`medians of ${options.sizes.rounds} rounds of ${options.sizes.windowSeconds} s (${options.mode}${sizes})`);
  return facts.map((fact) => `- ${fact}`).join('\n');
}

async function run(options: Options): Promise<boolean> {
  const scenarios = SCENARIOS.filter(({ id }) => isSelected(id, options.filters));
  if (scenarios.length === 0)
    throw new Error(`no scenario has ${options.filters.join(' or ')} in its id; --list shows all`);
  if (!options.oursOnly && !existsSync(options.mlflow)) {
    throw new Error(
      `there is no ${options.mlflow}: npm test installs it, --mlflow names another, --ours-only does without`,
    );
  }
  if (options.json !== undefined) writeFileSync(options.json, '');
  const bench = new Bench(options, progress);
  const rows: Row[] = [];
  const failures: string[] = [];
  try {
    console.log(`${machine(options, bench)}\n\n${TABLE_HEAD}`);
    for (const scenario of scenarios) {
      progress(`measuring ${scenario.id}`);
      try {
        for (const row of await scenario.run(bench)) {
          rows.push(row);
          console.log(tableLine(row));
          if (options.json !== undefined) appendFileSync(options.json, `${JSON.stringify(row)}\n`);
        }
      } catch (error) {
        failures.push(`${scenario.id}: ${error instanceof Error ? error.message : String(error)}`);
        progress(`failed ${failures.at(-1)}`);
      }
    }
  } finally {
    await bench.close();
  }
  console.log(`\n${summary(rows)}`);
  if (failures.length > 0) console.log(`\nNot measured:\n\n${failures.map((line) => `- ${line}`).join('\n')}`);
  if (options.cpuProf !== undefined) console.log(`\n${profileSummary(options.cpuProf)}`);
  return failures.length === 0;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE);
  else if (options === 'list') console.log(SCENARIOS.map(({ id }) => id).join('\n'));
  else process.exitCode = (await run(options)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
