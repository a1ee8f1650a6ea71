import { redact } from '@millrace/db';
import { type ImportReport, importAll, openSource } from '@millrace/tracking';
import { Command } from 'commander';
import { Progress } from '../progress.ts';
import { type TargetOptions, targetOptions, withTarget } from '../target.ts';

interface ImportCommandOptions extends TargetOptions {
  readonly from: string;
  readonly artifacts?: string;
  readonly keepArtifactUris?: boolean;
}

/** `millrace import`: an MLflow database, folder or server, or a bundle of `millrace export`. */
export const importCommand = (): Command =>
  targetOptions(new Command('import'))
    .description('copy experiments, runs, logged models and artifacts from MLflow; run it again to go on')
    .requiredOption('--from <source>', 'sqlite:///mlflow.db, postgresql://…, ./mlruns, http://server or a bundle')
    .option(
      '--artifacts <root>',
      "folder or store behind the source's mlflow-artifacts: locations, such as ./mlartifacts",
    )
    .option('--keep-artifact-uris', 'leave artifacts at s3:// and the like where they are, instead of copying them')
    .action(runImport);

async function runImport({
  from,
  artifacts,
  keepArtifactUris = false,
  ...target
}: ImportCommandOptions): Promise<void> {
  const source = await openSource(from, { artifacts });
  const progress = new Progress();
  try {
    const report = await withTarget(target, ({ config, db, places }) =>
      importAll(db, places, source, {
        artifactRoot: config.artifactRoot,
        keepArtifactUris,
        onProgress: (soFar, totalRuns) => progress.show(progressLine(soFar, totalRuns)),
      }),
    );
    progress.end();
    printReport(redact(source.title), report);
    if (report.failures.size > 0) process.exitCode = 1;
  } finally {
    await source.close();
  }
}

const number = (value: number) => value.toLocaleString('en');

function progressLine({ runs, unchanged, points, artifacts }: ImportReport, totalRuns: number | null): string {
  const of = totalRuns === null ? '' : ` of ${number(totalRuns)}`;
  return `Runs ${number(runs + unchanged)}${of} · metric points ${number(points)} · artifacts ${bytes(artifacts.bytes)}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function bytes(count: number): string {
  const power = count === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}

/** Ids shown of those that failed for one reason. */
const SHOWN = 5;

function printReport(title: string, report: ImportReport): void {
  const rows: [string, string][] = [
    ['experiments', number(report.experiments)],
    ['runs', number(report.runs)],
    ['logged models', number(report.models)],
    ['metric points', number(report.points)],
    ['params', number(report.params)],
    ['tags', number(report.tags)],
    ['artifacts', `${number(report.artifacts.files)} (${bytes(report.artifacts.bytes)})`],
    ['unchanged', `${number(report.unchanged)} runs and models, ${number(report.artifacts.unchanged)} artifacts`],
    ['skipped', number(report.foreign.length)],
    ['failed', number(report.failed)],
  ];
  console.log(`Imported from ${title}:`);
  for (const [name, value] of rows) console.log(`  ${name.padEnd(14)} ${value}`);
  for (const mapping of report.mappings) console.log(mapping);
  if (report.foreign.length > 0) {
    console.log(`Skipped, because the target has its own: ${shown(report.foreign)}.`);
  }
  if (report.leftOut.size > 0) {
    const what = [...report.leftOut].map(([name, count]) => `${number(count)} ${name}`).join(', ');
    console.log(`Not imported, because Millrace does not hold them: ${what}.`);
  }
  for (const [reason, whats] of report.failures) console.error(`Failed: ${shown(whats)}: ${reason}`);
}

const shown = (items: readonly string[]) =>
  items.slice(0, SHOWN).join(', ') + (items.length > SHOWN ? ` and ${number(items.length - SHOWN)} more` : '');
