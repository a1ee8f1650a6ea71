import { describe, expect, it } from 'vitest';
import { contract } from './contract.ts';
import { policies } from './mlflow/permissions.ts';
import { linkOperations, neutralPath, operation, operations, routesOf } from './operation.ts';

describe('linkOperations', () => {
  const id = 'MlflowService.createRun';
  const one = { [id]: contract.operations[id]! };

  it('refuses an open-source operation without a permission or an audit event', () => {
    expect(() => linkOperations(one, {})).toThrow(`${id} names no permission or no audit event`);
    expect(() => linkOperations(one, { [id]: ['run:create', ''] })).toThrow(id);
  });

  it('refuses a policy whose operation is gone', () => {
    expect(() => linkOperations(one, { [id]: policies[id]!, 'MlflowService.gone': ['run:read', 'runs.gone'] })).toThrow(
      'Policies without an operation: MlflowService.gone',
    );
  });
});

it('gives every open-source operation a permission and an audit event', () => {
  for (const op of operations.values()) {
    expect(op.permission !== undefined && op.audit !== undefined, op.id).toBe(op.oss);
    if (op.audit) expect(op.audit).toMatch(/^[a-z_]+\.[a-z_]+$/);
  }
});

describe('routesOf', () => {
  it('stands below /api and /ajax-api, in the version that brought it', () => {
    expect(routesOf(operation('MlflowService.createAssessment'))).toEqual(
      ['/api', '/ajax-api'].map((prefix) => ({
        method: 'POST',
        path: `${prefix}/3.0/mlflow/traces/:trace_id/assessments`,
        params: ['trace_id'],
      })),
    );
    expect(routesOf(operation('MlflowService.getMetricHistoryBulkInterval'))[0]?.path).toBe(
      '/api/2.0/mlflow/metrics/get-history-bulk-interval',
    );
  });

  it('marks a rest that may contain slashes', () => {
    expect(routesOf(operation('MlflowArtifactsService.downloadArtifact'))[0]?.path).toBe(
      '/api/2.0/mlflow-artifacts/artifacts/*artifact_path',
    );
    expect(neutralPath('/a/{b:path}/{c.d}')).toBe('/a/*b/:d');
  });

  it('leaves whole paths as they are', () => {
    expect(routesOf(operation('Core.health'))).toEqual([{ method: 'GET', path: '/health', params: [] }]);
    expect(routesOf(operation('Runs.getMetricHistoryBulk'))[0]?.path).toBe(
      '/ajax-api/2.0/mlflow/metrics/get-history-bulk',
    );
  });

  it('gives none to what MLflow declares but does not serve', () => {
    expect(routesOf(operation('MlflowService.searchUnifiedTraceHandler'))).toEqual([]);
  });

  it('gives no route of the open-source server to two operations', () => {
    const taken = new Map<string, string>();
    for (const op of operations.values()) {
      for (const { method, path } of op.oss ? routesOf(op) : []) {
        const route = `${method} ${path.replace(/:\w+/g, ':')}`;
        expect(taken.get(route), `${route} of ${op.id}`).toBeUndefined();
        taken.set(route, op.id);
      }
    }
  });
});

it('throws for an operation that the contract does not have', () => {
  expect(() => operation('MlflowService.nope')).toThrow('The wire contract has no operation MlflowService.nope');
});
