import { redact } from '@millrace/db';
import { type ImportReport, importAll, openSource } from '@millrace/tracking';
import { Command } from 'commander';
import { formatBytes, formatNumber } from '../format.ts';
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

function progressLine({ runs, unchanged, points, artifacts }: ImportReport, totalRuns: number | null): string {
  const of = totalRuns === null ? '' : ` of ${formatNumber(totalRuns)}`;
  return `Runs ${formatNumber(runs + unchanged)}${of} · metric points ${formatNumber(points)} · artifacts ${formatBytes(artifacts.bytes)}`;
}

/** Ids shown of those that failed for one reason. */
const SHOWN = 5;

function printReport(title: string, report: ImportReport): void {
  const rows: [string, string][] = [
    ['experiments', formatNumber(report.experiments)],
    ['runs', formatNumber(report.runs)],
    ['logged models', formatNumber(report.models)],
    ['metric points', formatNumber(report.points)],
    ['params', formatNumber(report.params)],
    ['tags', formatNumber(report.tags)],
    ['artifacts', `${formatNumber(report.artifacts.files)} (${formatBytes(report.artifacts.bytes)})`],
    [
      'unchanged',
      `${formatNumber(report.unchanged)} runs and models, ${formatNumber(report.artifacts.unchanged)} artifacts`,
    ],
    ['skipped', formatNumber(report.foreign.length)],
    ['failed', formatNumber(report.failed)],
  ];
  console.log(`Imported from ${title}:`);
  for (const [name, value] of rows) console.log(`  ${name.padEnd(14)} ${value}`);
  for (const mapping of report.mappings) console.log(mapping);
  if (report.foreign.length > 0) {
    console.log(`Skipped, because the target has its own: ${shown(report.foreign)}.`);
  }
  if (report.leftOut.size > 0) {
    const what = [...report.leftOut].map(([name, count]) => `${formatNumber(count)} ${name}`).join(', ');
    console.log(`Not imported, because Millrace does not hold them: ${what}.`);
  }
  for (const [reason, whats] of report.failures) console.error(`Failed: ${shown(whats)}: ${reason}`);
}

const shown = (items: readonly string[]) =>
  items.slice(0, SHOWN).join(', ') + (items.length > SHOWN ? ` and ${formatNumber(items.length - SHOWN)} more` : '');
