import { type BackendUri, inspectSchema, migrate, redact, refuse } from '@millrace/db';
import { readConfig } from '@millrace/server';
import { migrations } from '@millrace/tracking';
import { Command } from 'commander';
import { type TargetOptions, targetOptions } from '../target.ts';

/** `millrace db upgrade`, `millrace db status`. */
export const dbCommand = (): Command =>
  new Command('db')
    .description('look after the database schema')
    .addCommand(targetOptions(new Command('upgrade').description('bring the schema up to date')).action(upgrade))
    .addCommand(targetOptions(new Command('status').description('say which schema the database has')).action(status));

const nameOf = (backend: BackendUri) => (backend.dialect === 'sqlite' ? backend.file : redact(backend.url));

async function upgrade(options: TargetOptions): Promise<void> {
  const { backend } = readConfig(options, process.env);
  const applied = await migrate(backend, migrations, Date.now());
  const news = applied.length === 0 ? 'is up to date' : `was brought up to date: ${applied.join(', ')}`;
  console.log(`The database ${nameOf(backend)} ${news}.`);
}

async function status(options: TargetOptions): Promise<void> {
  const { backend } = readConfig(options, process.env);
  const found = await inspectSchema(backend, migrations);
  refuse(found, backend);
  const words =
    found.kind === 'older'
      ? `is older than this program; 'millrace db upgrade' would apply ${found.pending.join(', ')}`
      : found.kind === 'empty'
        ? 'is empty; the first start of the server makes its tables'
        : 'is up to date';
  console.log(`The database ${nameOf(backend)} ${words}.`);
}
