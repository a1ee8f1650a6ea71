import { expect, it } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { operations, routesOf } from './operation.ts';

interface Described {
  operationId: string;
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: { required: boolean };
}

const document = openApiDocument({ title: 'Millrace', version: '1.2.3' });
const paths = document.paths as Record<string, Record<string, Described>>;
const described = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

it('lists every operation that is served, and each under one id', () => {
  const ids = described.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const op of operations.values()) {
    const listed = ids.some((id) => id === op.id || id.startsWith(`${op.id}.`));
    expect(listed, op.id).toBe(op.oss && routesOf(op).length > 0);
  }
});

it('declares the parameters of every path', () => {
  for (const { path, operation } of described) {
    const declared = (operation.parameters ?? [])
      .filter((parameter) => parameter.in === 'path')
      .map(({ name }) => name);
    expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  }
});

it('refers only to what it holds', () => {
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
  for (const [, pointer] of references) {
    const target = pointer!.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
    expect(target, pointer).toBeDefined();
  }
});

it('says what a request must hold', () => {
  expect(paths['/api/2.0/mlflow/runs/log-metric']?.post?.requestBody).toMatchObject({
    required: true,
    content: { 'application/json': { schema: { required: ['run_id', 'key', 'value', 'timestamp'] } } },
  });
  expect(paths['/api/2.0/mlflow/runs/get']?.get?.parameters).toContainEqual({
    name: 'run_id',
    in: 'query',
    required: true,
    schema: { type: 'string' },
  });
});

it('can leave operations out', () => {
  const small = openApiDocument({ title: 'T', version: '1', includes: (op) => op.id === 'Core.health' });
  expect(Object.keys(small.paths as object)).toEqual(['/health']);
});
