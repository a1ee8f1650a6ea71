import { invalid } from '@millrace/core';
import { collectGarbage, findGarbage } from '@millrace/tracking';
import { Command } from 'commander';
import { Progress } from '../progress.ts';
import { type TargetOptions, targetOptions, withTarget } from '../target.ts';

interface GcOptions extends TargetOptions {
  readonly olderThan?: string;
  readonly runIds?: string;
  readonly experimentIds?: string;
  readonly dryRun?: boolean;
}

/** `millrace gc`: options as `mlflow gc` users know them. */
export const gcCommand = (): Command =>
  targetOptions(new Command('gc'))
    .description('remove deleted runs, logged models and experiments, and their artifacts, for good')
    .option('--older-than <time>', 'only what was deleted at least this long ago, such as 30d or 1d2h3m4s')
    .option('--run-ids <ids>', 'only these deleted runs, separated by commas')
    .option('--experiment-ids <ids>', 'only these deleted experiments and their runs, separated by commas')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .action(gc);

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;

/** Milliseconds of a time such as `1d2h3m4s`. */
export function parseDuration(text: string): number {
  const match = /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  if (text === '' || match === null) {
    throw invalid(
      `Invalid time '${text}': write days, hours, minutes and seconds in this order, such as 30d or 1d2h3m4s.`,
    );
  }
  const [, d = '0', h = '0', m = '0', s = '0'] = match;
  return Number(d) * UNITS.d + Number(h) * UNITS.h + Number(m) * UNITS.m + Number(s) * UNITS.s;
}

const parseIds = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');

async function gc({ olderThan, runIds, experimentIds, dryRun, ...target }: GcOptions): Promise<void> {
  const before = Date.now() - parseDuration(olderThan ?? '0s');
  const scope = { before, runIds: parseIds(runIds), experimentIds: parseIds(experimentIds) };
  await withTarget(target, async ({ config, db, places }) => {
    if (dryRun === true) {
      const { runs, models, experiments } = await findGarbage(db, scope);
      console.log(
        `Would remove ${runs.length} runs, ${models.length} logged models and ${experiments.length} experiments with their artifacts.`,
      );
      for (const { runUuid } of runs) console.log(`  run ${runUuid}`);
      for (const { modelId } of models) console.log(`  logged model ${modelId}`);
      for (const { id } of experiments) console.log(`  experiment ${id}`);
      return;
    }
    const progress = new Progress();
    const onProgress = (done: number, total: number) => progress.show(`Removing ${done} of ${total}`);
    const report = await collectGarbage(db, places, { scope, artifactRoot: config.artifactRoot, onProgress });
    progress.end();
    console.log(`Removed ${report.runs} runs, ${report.models} logged models and ${report.experiments} experiments.`);
    for (const { what, reason } of report.failures) console.error(`Kept ${what}: ${reason}`);
    if (report.failures.length > 0) process.exitCode = 1;
  });
}
