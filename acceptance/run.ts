// Every black-box suite against our server on SQLite, then on PostgreSQL. Arguments name suites and backends, default all:
// `node acceptance/run.ts python-3 http sqlite`. With TARGET=mlflow the same suites judge the real server instead.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { postgresMissing, startMlflowServer, startServer } from '@millrace/tools/testkit';
import { storesSuite } from './stores/suite.ts';
import { httpSuite } from './suites/http.ts';
import { javaSuite } from './suites/java.ts';
import { KnownGaps } from './suites/known-gaps.ts';
import type { Outcome, Suite, Target } from './suites/outcome.ts';
import { pytestSuite } from './suites/pytest.ts';

const tracking = [
  ...['test_experiments.py', 'test_runs.py', 'test_params_tags.py', 'test_metrics.py', 'test_log_batch.py'],
  ...['test_inputs.py', 'test_search_runs.py', 'test_logged_models.py', 'test_artifacts.py', 'test_async.py'],
  'test_evaluation_datasets.py',
];
const programs = ['test_models.py', 'test_autolog.py', 'test_cli.py', 'test_samples.py'];

// What differs between the backends is the tracking store, so the tracking suites run on both in full. The rest costs minutes
// of the clients' own work (fitting, packing models) and reaches the store through the same calls.
const suites: readonly Suite[] = [
  pytestSuite('python-3', 'mlflow3', { on: { sqlite: 'all', postgres: 'all' }, files: tracking }),
  httpSuite,
  javaSuite,
  pytestSuite('python-3-programs', 'mlflow3', {
    on: { sqlite: 'all', postgres: 'smoke' },
    files: programs,
    smoke: ['test_models.py'],
  }),
  pytestSuite('python-2', 'mlflow2', {
    on: { sqlite: 'all', postgres: 'smoke' },
    files: [...tracking, ...programs],
    smoke: ['test_runs.py', 'test_metrics.py', 'test_search_runs.py'],
  }),
  storesSuite,
  pytestSuite('python-1', 'mlflow1', { on: { sqlite: 'all', postgres: 'none' }, files: [...tracking, ...programs] }),
];

type Backend = keyof Suite['on'];
const counts = { passed: 0, failed: 0, skipped: 0 };

async function main(chosen: readonly string[]): Promise<void> {
  const backends = (['sqlite', 'postgres'] as const).filter((name) => wants(chosen, ['sqlite', 'postgres'], name));
  const names = suites.map(({ name }) => name);
  const unknown = chosen.find((name) => !['sqlite', 'postgres', ...names].includes(name));
  if (unknown !== undefined)
    throw new Error(`No suite '${unknown}': ${names.join(', ')} exist, on sqlite and postgres.`);
  const picked = suites.filter(({ name }) => wants(chosen, names, name));
  const gaps = new KnownGaps(join(import.meta.dirname, 'known-gaps.txt'));

  if (process.env.TARGET === 'mlflow') {
    const server = await startMlflowServer();
    for (const suite of picked) await runSuite(suite, 'mlflow', 'all', { url: server.url, kind: 'mlflow' });
    await server.stop();
    return;
  }
  for (const backend of backends) await runOn(backend, picked, gaps);
  if (chosen.length > 0) return;
  for (const entry of gaps.unseen()) {
    count('known-gaps.txt', { test: entry, outcome: 'failed', message: 'It names no test of any suite.' });
  }
}

/** A choice among `group` is made by naming some of it; naming none of it means all. */
function wants(chosen: readonly string[], group: readonly string[], name: string): boolean {
  return chosen.includes(name) || !chosen.some((each) => group.includes(each));
}

async function runOn(backend: Backend, picked: readonly Suite[], gaps: KnownGaps): Promise<void> {
  const missing = backend === 'postgres' ? postgresMissing() : undefined;
  if (missing !== undefined) {
    count(`all suites (${backend})`, { test: 'PostgreSQL', outcome: 'skipped', message: missing });
    return;
  }
  const failedBefore = counts.failed;
  const server = await startServer({ backend });
  const target: Target = { url: server.url, kind: 'millrace' };
  for (const suite of picked) {
    const extent = suite.on[backend];
    if (extent !== 'none') await runSuite(suite, backend, extent, target, gaps);
  }
  const exitCode = await server.stop();
  const label = `server (${backend})`;
  count(label, {
    test: 'ends in good order',
    outcome: exitCode === 0 ? 'passed' : 'failed',
    message: `exit status ${exitCode}`,
  });
  if (counts.failed > failedBefore) console.log(`${label} wrote last:\n${indented(server.log())}`);
}

async function runSuite(
  suite: Suite,
  where: string,
  extent: 'all' | 'smoke',
  target: Target,
  gaps?: KnownGaps,
): Promise<void> {
  const label = `${suite.name} (${where}${extent === 'smoke' ? ', smoke' : ''})`;
  const before = { ...counts };
  const began = Date.now();
  const outcomes = await suite.run(target, extent);
  for (const outcome of outcomes) count(label, gaps?.judge(suite.name, outcome) ?? outcome);
  const [passed, failed, skipped] = (['passed', 'failed', 'skipped'] as const).map((key) => counts[key] - before[key]);
  console.log(
    `${label}: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${Math.round((Date.now() - began) / 1000)} s`,
  );
}

function count(label: string, { test, outcome, message }: Outcome): void {
  counts[outcome]++;
  if (outcome === 'failed') console.log(`FAILED ${label} > ${test}\n${indented(message)}`);
  if (outcome === 'skipped' && message !== '') console.log(`skipped ${label} > ${test}: ${message.split('\n')[0]}`);
}

const indented = (message: string): string => message.slice(-3_000).replace(/^/gm, '    ');

await main(parseArgs({ allowPositionals: true }).positionals);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
// The throw-away PostgreSQL ends with this process, and would otherwise keep it.
process.exit(counts.failed === 0 ? 0 : 1);
