import { resolve } from 'node:path';
import { type ExportReport, exportBundle } from '@millrace/tracking';
import { Command } from 'commander';
import { formatBytes, formatNumber } from '../format.ts';
import { Progress } from '../progress.ts';
import { type TargetOptions, targetOptions, withTarget } from '../target.ts';

interface ExportCommandOptions extends TargetOptions {
  readonly to: string;
  readonly experiment?: readonly string[];
  readonly keepArtifactUris?: boolean;
}

/** `millrace export`: a folder that `millrace import --from` reads back. */
export const exportCommand = (): Command =>
  targetOptions(new Command('export'))
    .description("write experiments, runs, logged models and artifacts into a folder for 'millrace import --from'")
    .requiredOption('--to <folder>', 'a new folder')
    .option('--experiment <name|id...>', 'only these experiments (default: all)')
    .option('--keep-artifact-uris', 'leave artifacts at s3:// and the like where they are, instead of copying them')
    .action(runExport);

async function runExport(options: ExportCommandOptions): Promise<void> {
  const { to, experiment = [], keepArtifactUris = false, ...target } = options;
  const folder = resolve(to);
  const progress = new Progress();
  const onProgress = (soFar: ExportReport) => progress.show(counts(soFar));
  const report = await withTarget(target, ({ db, places }) =>
    exportBundle(db, places, { folder, experiments: experiment, keepArtifactUris, onProgress }),
  );
  progress.end();
  console.log(`Exported to ${folder}: ${counts(report)}.`);
}

const counts = ({ experiments, runs, models, points, files, bytes }: ExportReport): string =>
  [
    `${formatNumber(experiments)} experiments`,
    `${formatNumber(runs)} runs`,
    `${formatNumber(models)} logged models`,
    `${formatNumber(points)} metric points`,
    `${formatNumber(files)} artifacts (${formatBytes(bytes)})`,
  ].join(', ');
