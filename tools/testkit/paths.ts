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
