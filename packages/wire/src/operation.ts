import { type Check, type ContractOperation, contract } from './contract.ts';
import { type Message, messageNamed } from './message.ts';
import { nativeOperations } from './mlflow/native.ts';
import { type Permission, type Policy, policies } from './mlflow/permissions.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Endpoint {
  readonly method: Method;
  /** As the contract spells it; relative to `/api/{major}.0` where `since` is set, else the whole path. */
  readonly path: string;
  /** The API version that brought it, such as `2.0`; undefined for paths outside the versioned API. */
  readonly since: string | undefined;
}

export interface Operation {
  /** `Service.rpc`, such as `MlflowService.logMetric`. */
  readonly id: string;
  readonly service: string;
  readonly rpc: string;
  readonly title: string | undefined;
  readonly endpoints: readonly Endpoint[];
  /** `null` where the contract gives no schema: bytes, HTML or another protocol. */
  readonly request: Message | null;
  readonly response: Message | null;
  readonly checks: Readonly<Record<string, readonly Check[]>>;
  /** Part of the open-source server, not only of Databricks. */
  readonly oss: boolean;
  /** MLflow's server answers it; the few that it declares but does not serve have no routes. */
  readonly served: boolean;
  readonly permission: Permission | undefined;
  /** The name of the audit event, such as `runs.create`. */
  readonly audit: string | undefined;
}

export interface Route {
  readonly method: Method;
  /** `:name` stands for one segment, `*name` for a rest that may contain slashes. */
  readonly path: string;
  readonly params: readonly string[];
}

/** Joins the contract with the policies; throws where an open-source operation names no permission or no audit event. */
export function linkOperations(
  entries: Readonly<Record<string, ContractOperation>>,
  policyOf: Readonly<Record<string, Policy>>,
): Operation[] {
  const unused = new Set(Object.keys(policyOf));
  const linked = Object.entries(entries).map(([id, entry]) => {
    const [service = '', rpc = ''] = id.split('.');
    const oss = entry.oss ?? true;
    const [permission, audit] = policyOf[id] ?? [];
    unused.delete(id);
    if (oss && !(permission && audit)) throw new Error(`${id} names no permission or no audit event`);
    return {
      id,
      service,
      rpc,
      title: entry.title,
      endpoints: entry.endpoints.map(([method, path, since]) => ({ method: method as Method, path, since })),
      request: messageNamed(entry.request),
      response: messageNamed(entry.response),
      checks: entry.checks ?? {},
      oss,
      served: !entry.unserved,
      permission,
      audit,
    };
  });
  if (unused.size > 0) throw new Error(`Policies without an operation: ${[...unused].join(', ')}`);
  return linked;
}

/** Every operation of the contract by id: those with a schema and those known only by their path. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [...linkOperations(contract.operations, policies), ...nativeOperations()].map((op) => [op.id, op]),
);

/** The operation with this id; throws where there is none. */
export function operation(id: string): Operation {
  const found = operations.get(id);
  if (found === undefined) throw new Error(`The wire contract has no operation ${id}`);
  return found;
}

/** Every concrete route of an operation: below `/api` and `/ajax-api` for the versioned API. */
export function routesOf(op: Operation): Route[] {
  if (!op.served) return [];
  return op.endpoints.flatMap(({ method, path, since }) => {
    const neutral = neutralPath(path);
    const params = [...neutral.matchAll(/[:*](\w+)/g)].map(([, name]) => name!);
    if (since === undefined) return [{ method, path: neutral, params }];
    const version = `${since.split('.')[0]}.0`;
    return ['/api', '/ajax-api'].map((prefix) => ({ method, path: `${prefix}/${version}${neutral}`, params }));
  });
}

/** `<path:name>` and `{name:path}` to `*name`; `{name}` and `{message.name}` to `:name`. */
export const neutralPath = (path: string): string =>
  path
    .replace(/<path:(\w+)>|\{(\w+):path\}/g, (_, flask, fast) => `*${flask ?? fast}`)
    .replace(/\{(?:\w+\.)?(\w+)\}/g, ':$1');
