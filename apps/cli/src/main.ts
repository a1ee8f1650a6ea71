import { DomainError } from '@millrace/core';
import { Command } from 'commander';
import { dbCommand } from './commands/db.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exportCommand } from './commands/export.ts';
import { gcCommand } from './commands/gc.ts';
import { importCommand } from './commands/import.ts';
import { serverCommand } from './commands/server.ts';

const program = new Command('millrace')
  .description('The open, self-hosted machine-learning platform')
  .showHelpAfterError()
  .addCommand(serverCommand())
  .addCommand(dbCommand())
  .addCommand(gcCommand())
  .addCommand(importCommand())
  .addCommand(exportCommand())
  .addCommand(doctorCommand());

try {
  await program.parseAsync();
} catch (error) {
  // What a person can act on is a sentence; anything else is a defect, with its stack.
  console.error(error instanceof DomainError ? `millrace: ${error.message}` : error);
  process.exitCode = 1;
}
