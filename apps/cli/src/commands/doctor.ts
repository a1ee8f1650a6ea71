import { Command } from 'commander';
import { type Check, checkInstallation } from '../doctor/checks.ts';
import { type TargetOptions, targetOptions } from '../target.ts';

interface DoctorOptions extends TargetOptions {
  readonly url?: string;
}

const MARKS = { ok: '✓', warning: '!', failure: '✗' } as const;

/** `millrace doctor`: what is wrong with an installation, and what to do about it. */
export const doctorCommand = (): Command =>
  targetOptions(new Command('doctor'))
    .description('check an installation and say in words what is wrong with it')
    .option('--url <url>', 'also ask a running server (default http://127.0.0.1:5000 where one answers)')
    .action(async ({ url, ...target }: DoctorOptions) => {
      const failed: Check[] = [];
      for await (const check of checkInstallation(target, url)) {
        console.log(`${MARKS[check.state]} ${check.subject}: ${check.words}`);
        if (check.state === 'failure') failed.push(check);
      }
      if (failed.length > 0) process.exitCode = 1;
      const words = failed.length === 1 ? 'One thing needs' : `${failed.length} things need`;
      console.log(failed.length === 0 ? 'Nothing is in the way.' : `${words} attention.`);
    });
