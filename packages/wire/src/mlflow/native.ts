import type { Check, Kind } from '../contract.ts';
import { type Field, link, type Message, messageNamed } from '../message.ts';
import type { Method, Operation } from '../operation.ts';
import type { Permission } from './permissions.ts';

/**
 * The routes of the contract that no protobuf service declares.
 *
 * Paths: `2.0/…` and `3.0/…` stand below `/api` and `/ajax-api`, `ajax/2.0/…` below `/ajax-api` alone, `/…` is a whole path;
 * `:name` is one segment, `*name` the rest of the path.
 * Fields: `name:kind`, kind `string` unless said, `[]` where repeated, `!` where required; undefined where the contract
 * gives no schema (bytes, forms, HTML, another protocol).
 */
type Native = readonly [id: string, routes: string, permission: Permission, audit: string, fields?: string];

// biome-ignore format: one route a line reads as a table
const natives: readonly Native[] = [
  ['Core.health', 'GET /health', 'open', 'server.health', ''],
  ['Core.version', 'GET /version', 'server:read', 'server.version', ''],
  ['Core.serverInfo', 'GET 3.0/mlflow/server-info', 'open', 'server.info', ''],
  ['Core.metrics', 'GET /metrics', 'server:manage', 'server.metrics', ''],
  ['Core.graphql', 'GET /graphql, POST /graphql', 'run:read', 'graphql.query'],
  ['Core.getUiTelemetry', 'GET ajax/3.0/mlflow/ui-telemetry', 'server:read', 'ui_telemetry.get', ''],
  ['Core.postUiTelemetry', 'POST ajax/3.0/mlflow/ui-telemetry', 'server:read', 'ui_telemetry.post'],
  ['Core.generateDemo', 'POST ajax/3.0/mlflow/demo/generate', 'experiment:create', 'demo.generate', 'features[]'],
  ['Core.deleteDemo', 'POST ajax/3.0/mlflow/demo/delete', 'experiment:manage', 'demo.delete', ''],

  ['Artifacts.getArtifact', 'GET /get-artifact', 'artifact:read', 'artifacts.download', 'run_id run_uuid path!'],
  ['Artifacts.getModelVersionArtifact', 'GET /model-versions/get-artifact', 'artifact:read', 'artifacts.download', 'name! version! path!'],
  ['Artifacts.uploadArtifact', 'POST ajax/2.0/mlflow/upload-artifact', 'artifact:edit', 'artifacts.upload', 'run_uuid! path!'],
  ['Artifacts.getTraceArtifact', 'GET ajax/2.0/mlflow/get-trace-artifact, GET ajax/3.0/mlflow/get-trace-artifact', 'trace:read', 'artifacts.download', 'request_id! path'],
  ['Artifacts.getLoggedModelArtifact', 'GET ajax/2.0/mlflow/logged-models/:model_id/artifacts/files', 'artifact:read', 'artifacts.download', 'model_id artifact_file_path!'],

  ['Runs.getMetricHistoryBulk', 'GET ajax/2.0/mlflow/metrics/get-history-bulk', 'run:read', 'runs.get_metric_history_bulk', 'run_id[] metric_key max_results:int32'],
  ['Runs.searchDatasets', 'POST ajax/2.0/mlflow/experiments/search-datasets', 'experiment:read', 'experiments.search_datasets', '=mlflow.SearchDatasets'],
  ['Runs.createPromptlabRun', 'POST ajax/2.0/mlflow/runs/create-promptlab-run', 'run:create', 'runs.create_promptlab'],

  ['Scorers.getOnlineConfigs', 'GET 3.0/mlflow/scorers/online-configs', 'scorer:read', 'scorers.get_online_configs', 'scorer_ids[]!'],
  ['Scorers.setOnlineConfig', 'PUT 3.0/mlflow/scorers/online-config', 'scorer:edit', 'scorers.set_online_config', 'experiment_id! name! sample_rate:double! filter_string'],
  ['Scorers.invoke', 'POST ajax/3.0/mlflow/scorer/invoke', 'scorer:use', 'scorers.invoke', 'experiment_id! serialized_scorer! scorer_name scorer_version:int32 trace_ids[]! log_assessments:bool'],
  ['Issues.invoke', 'POST ajax/3.0/mlflow/issues/invoke', 'issue:create', 'issues.invoke', 'experiment_id! trace_ids[]! categories[]! provider! model secret_id endpoint_name'],

  ['Jobs.evaluate', 'POST ajax/3.0/mlflow/genai/evaluate/invoke', 'job:create', 'jobs.evaluate'],
  ['Jobs.getMlflow', 'GET ajax/3.0/mlflow/jobs/:job_id', 'job:read', 'jobs.get', 'job_id'],
  ['Jobs.cancelMlflow', 'PATCH ajax/3.0/mlflow/jobs/cancel/:job_id', 'job:edit', 'jobs.cancel', 'job_id'],
  ['Jobs.get', 'GET ajax/3.0/jobs/:job_id', 'job:read', 'jobs.get', 'job_id'],
  ['Jobs.submit', 'POST ajax/3.0/jobs/', 'job:create', 'jobs.submit'],
  ['Jobs.cancel', 'PATCH ajax/3.0/jobs/cancel/:job_id', 'job:edit', 'jobs.cancel', 'job_id'],
  ['Jobs.search', 'POST ajax/3.0/jobs/search', 'job:read', 'jobs.search'],

  ['Otlp.exportTraces', 'POST /v1/traces', 'trace:create', 'traces.export'],

  ['Gateway.proxy', 'GET ajax/2.0/mlflow/gateway-proxy, POST ajax/2.0/mlflow/gateway-proxy', 'gateway:use', 'gateway.proxy'],
  ['Gateway.supportedProviders', 'GET ajax/3.0/mlflow/gateway/supported-providers', 'gateway:read', 'gateway.list_supported_providers', ''],
  ['Gateway.supportedModels', 'GET ajax/3.0/mlflow/gateway/supported-models', 'gateway:read', 'gateway.list_supported_models', 'provider'],
  ['Gateway.providerConfig', 'GET ajax/3.0/mlflow/gateway/provider-config', 'gateway:read', 'gateway.get_provider_config', 'provider'],
  ['Gateway.secretsConfig', 'GET ajax/3.0/mlflow/gateway/secrets/config', 'gateway:read', 'gateway.get_secrets_config', ''],
  ['Gateway.invoke', 'POST /gateway/:endpoint_name/mlflow/invocations', 'gateway:use', 'gateway.invoke'],
  ['Gateway.chatCompletions', 'POST /gateway/mlflow/v1/chat/completions', 'gateway:use', 'gateway.invoke'],
  ['Gateway.models', 'GET /gateway/mlflow/v1/models', 'gateway:read', 'gateway.list_models', ''],
  ['Gateway.openaiChatCompletions', 'POST /gateway/openai/v1/chat/completions', 'gateway:use', 'gateway.invoke'],
  ['Gateway.openaiEmbeddings', 'POST /gateway/openai/v1/embeddings', 'gateway:use', 'gateway.invoke'],
  ['Gateway.openaiResponses', 'POST /gateway/openai/v1/responses', 'gateway:use', 'gateway.invoke'],
  ['Gateway.openaiResponsesCompact', 'POST /gateway/openai/v1/responses/compact', 'gateway:use', 'gateway.invoke'],
  ['Gateway.typesafeSystemone', 'POST /gateway/typesafe/v1/systemone', 'gateway:use', 'gateway.invoke'],
  ['Gateway.anthropicMessages', 'POST /gateway/anthropic/v1/messages', 'gateway:use', 'gateway.invoke'],
  // One segment: `{endpoint_name}:generateContent` or `{endpoint_name}:streamGenerateContent`.
  ['Gateway.gemini', 'POST /gateway/gemini/v1beta/models/:endpoint_and_action', 'gateway:use', 'gateway.invoke'],
  ['Gateway.passthrough', 'POST /gateway/proxy/:endpoint_name/*path', 'gateway:use', 'gateway.invoke'],

  ['Assistant.message', 'POST ajax/3.0/mlflow/assistant/message', 'assistant:use', 'assistant.message'],
  ['Assistant.stream', 'GET ajax/3.0/mlflow/assistant/sessions/:session_id/stream', 'assistant:use', 'assistant.stream', 'session_id'],
  ['Assistant.patchSession', 'PATCH ajax/3.0/mlflow/assistant/sessions/:session_id', 'assistant:use', 'assistant.patch_session'],
  ['Assistant.permission', 'POST ajax/3.0/mlflow/assistant/sessions/:session_id/permission', 'assistant:use', 'assistant.decide_permission'],
  ['Assistant.toolResult', 'POST ajax/3.0/mlflow/assistant/sessions/:session_id/tool-result', 'assistant:use', 'assistant.post_tool_result'],
  ['Assistant.providerHealth', 'GET ajax/3.0/mlflow/assistant/providers/:provider/health', 'assistant:read', 'assistant.get_provider_health', 'provider'],
  ['Assistant.providers', 'GET ajax/3.0/mlflow/assistant/providers', 'assistant:read', 'assistant.list_providers', ''],
  ['Assistant.providerModels', 'GET ajax/3.0/mlflow/assistant/providers/:provider/models', 'assistant:read', 'assistant.list_provider_models', 'provider base_url'],
  ['Assistant.getConfig', 'GET ajax/3.0/mlflow/assistant/config', 'assistant:read', 'assistant.get_config', ''],
  ['Assistant.setConfig', 'PUT ajax/3.0/mlflow/assistant/config', 'assistant:manage', 'assistant.set_config'],
  ['Assistant.installSkills', 'POST ajax/3.0/mlflow/assistant/skills/install', 'assistant:manage', 'assistant.install_skills'],

  ['McpRegistry.create', 'POST 3.0/mlflow/mcp-servers', 'mcp_server:create', 'mcp_servers.create'],
  ['McpRegistry.search', 'GET 3.0/mlflow/mcp-servers', 'mcp_server:read', 'mcp_servers.search', 'filter_string max_results:int32 order_by[] page_token'],
  ['McpRegistry.listEndpoints', 'GET 3.0/mlflow/mcp-servers/endpoints', 'mcp_server:read', 'mcp_servers.list_endpoints'],
  // A server's name may contain slashes, and so may what follows it: versions, endpoints, tags and aliases share one rest.
  ['McpRegistry.get', 'GET 3.0/mlflow/mcp-servers/*resource', 'mcp_server:read', 'mcp_servers.get'],
  ['McpRegistry.post', 'POST 3.0/mlflow/mcp-servers/*resource', 'mcp_server:edit', 'mcp_servers.post'],
  ['McpRegistry.patch', 'PATCH 3.0/mlflow/mcp-servers/*resource', 'mcp_server:edit', 'mcp_servers.patch'],
  ['McpRegistry.delete', 'DELETE 3.0/mlflow/mcp-servers/*resource', 'mcp_server:manage', 'mcp_servers.delete'],

  ['Auth.signup', 'GET /signup', 'user:create', 'users.show_signup', ''],
  ['Auth.createUserByForm', 'POST /api/2.0/mlflow/users/create-ui', 'user:create', 'users.create'],
  ['Auth.createUser', 'POST 2.0/mlflow/users/create', 'user:create', 'users.create', 'username! password!'],
  ['Auth.getUser', 'GET 2.0/mlflow/users/get', 'user:read', 'users.get', 'username!'],
  ['Auth.listUsers', 'GET 2.0/mlflow/users/list', 'user:read', 'users.list', ''],
  ['Auth.getCurrentUser', 'GET 2.0/mlflow/users/current', 'user:read', 'users.get_current', ''],
  ['Auth.listCurrentUserPermissions', 'GET 3.0/mlflow/users/current/permissions', 'user:read', 'users.list_current_permissions', ''],
  ['Auth.listUserPermissions', 'GET 3.0/mlflow/users/permissions/list', 'user:read', 'users.list_permissions', 'username!'],
  ['Auth.updateUserPassword', 'PATCH 2.0/mlflow/users/update-password', 'user:edit', 'users.update_password', 'username! password! current_password'],
  ['Auth.updateUserAdmin', 'PATCH 2.0/mlflow/users/update-admin', 'user:manage', 'users.update_admin', 'username! is_admin:bool!'],
  ['Auth.deleteUser', 'DELETE 2.0/mlflow/users/delete', 'user:manage', 'users.delete', 'username!'],
  ['Auth.createRole', 'POST 3.0/mlflow/roles/create', 'role:manage', 'roles.create', 'name! workspace! description'],
  ['Auth.getRole', 'GET 3.0/mlflow/roles/get', 'role:read', 'roles.get', 'role_id:int64!'],
  ['Auth.listRoles', 'GET 3.0/mlflow/roles/list', 'role:read', 'roles.list', 'workspace[]'],
  ['Auth.updateRole', 'PATCH 3.0/mlflow/roles/update', 'role:manage', 'roles.update', 'role_id:int64! name description'],
  ['Auth.deleteRole', 'DELETE 3.0/mlflow/roles/delete', 'role:manage', 'roles.delete', 'role_id:int64!'],
  ['Auth.addRolePermission', 'POST 3.0/mlflow/roles/permissions/add', 'role:manage', 'roles.add_permission', 'role_id:int64! resource_type! resource_pattern! permission!'],
  ['Auth.removeRolePermission', 'DELETE 3.0/mlflow/roles/permissions/remove', 'role:manage', 'roles.remove_permission', 'role_permission_id:int64!'],
  ['Auth.listRolePermissions', 'GET 3.0/mlflow/roles/permissions/list', 'role:read', 'roles.list_permissions', 'role_id:int64!'],
  ['Auth.updateRolePermission', 'PATCH 3.0/mlflow/roles/permissions/update', 'role:manage', 'roles.update_permission', 'role_permission_id:int64! permission!'],
  ['Auth.assignRole', 'POST 3.0/mlflow/roles/assign', 'role:manage', 'roles.assign', 'username! role_id:int64!'],
  ['Auth.unassignRole', 'DELETE 3.0/mlflow/roles/unassign', 'role:manage', 'roles.unassign', 'username! role_id:int64!'],
  ['Auth.listUserRoles', 'GET 3.0/mlflow/users/roles/list', 'role:read', 'roles.list_of_user', 'username!'],
  ['Auth.listRoleUsers', 'GET 3.0/mlflow/roles/users/list', 'role:manage', 'roles.list_users', 'role_id:int64!'],
  ['Auth.grantUserPermission', 'POST 3.0/mlflow/users/permissions/grant', 'user:manage', 'permissions.grant', 'username! resource_type! resource_id! permission!'],
  ['Auth.revokeUserPermission', 'POST 3.0/mlflow/users/permissions/revoke', 'user:manage', 'permissions.revoke', 'username! resource_type! resource_id!'],
  ['Auth.getUserPermission', 'GET 3.0/mlflow/users/permissions/get', 'user:read', 'permissions.get', 'username! resource_type! resource_id!'],
];

export function nativeOperations(): Operation[] {
  return natives.map(([id, routes, permission, audit, fields]) => {
    const [service = '', rpc = ''] = id.split('.');
    const schema = schemaOf(id, fields);
    const endpoints = routes.split(', ').map(endpointOf);
    return { id, service, rpc, title: undefined, endpoints, ...schema, oss: true, served: true, permission, audit };
  });
}

function endpointOf(route: string): Operation['endpoints'][number] {
  const [method, path = ''] = route.split(' ');
  const versioned = /^(\d\.\d)(\/.*)$/.exec(path);
  if (versioned) return { method: method as Method, path: versioned[2]!, since: versioned[1] };
  return { method: method as Method, path: path.replace(/^ajax\//, '/ajax-api/'), since: undefined };
}

type Schema = Pick<Operation, 'request' | 'response' | 'checks'>;

function schemaOf(id: string, fields: string | undefined): Schema {
  if (fields === undefined) return { request: null, response: null, checks: {} };
  if (fields.startsWith('=')) {
    const name = fields.slice(1);
    return { request: messageNamed(name), response: messageNamed(`${name}.Response`), checks: {} };
  }
  const parsed = fields.split(' ').filter(Boolean).map(fieldOf);
  const checks = parsed.map((field): [string, Check[]] => [field.name, checksOf(field)]);
  const request: Message = { name: `millrace.${id}`, fields: parsed, wellKnown: false };
  return { request, response: null, checks: Object.fromEntries(checks) };
}

const fieldPattern = /^(\w+?)(?::(\w+))?(\[\])?(!)?$/;

function fieldOf(text: string, index: number): Field {
  const [, name, kind = 'string', repeated, required] = fieldPattern.exec(text) ?? [];
  if (name === undefined) throw new Error(`Not a field: ${text}`);
  return link({
    name,
    number: index + 1,
    kind: kind as Kind,
    ...(repeated && { repeated: true }),
    ...(required && { required: true }),
  });
}

const typeChecks: Partial<Record<Kind, Check>> = {
  string: 'string',
  int32: 'int',
  int64: 'int',
  double: 'float',
  bool: 'bool',
};

function checksOf(field: Field): Check[] {
  const type = field.repeated ? 'array' : typeChecks[field.kind];
  return [...(field.required ? (['required'] as const) : []), ...(type ? [type] : [])];
}
