import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const python = process.env.MILLRACE_TEST_PYTHON ?? path('../../../.dev/venv-mlflow3/bin/python');

it('is the contract of the installed mlflow', { timeout: 180_000 }, () => {
  if (!existsSync(python)) {
    throw new Error(
      `No Python at ${python}: set MILLRACE_TEST_PYTHON to one that has the mlflow of contract/mlflow.json`,
    );
  }
  const committed = lines(readFileSync(path('../contract/mlflow.json'), 'utf8'));
  const installed = lines(
    execFileSync(python, [path('../../../tools/contract/extract.py')], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
  );
  expect({
    added: [...installed].filter((line) => !committed.has(line)),
    gone: [...committed].filter((line) => !installed.has(line)),
  }).toEqual({ added: [], gone: [] });
});

/** One operation, message or enum a line; the last of a section has no comma. */
const lines = (text: string): Set<string> => new Set(text.split('\n').map((line) => line.replace(/,$/, '')));
