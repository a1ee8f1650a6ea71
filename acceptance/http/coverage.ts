// docs/coverage.md: every operation of the contract, and whether a server answers it. `node acceptance/http/coverage.ts` asks
// a new server and writes the page; coverage.test.ts holds the committed page against the server under test.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, startServer } from '@millrace/tools/testkit';
import { contract, type Operation, operations, type Route, routesOf, type Securable } from '@millrace/wire';

const page = join(root, 'docs/coverage.md');

/** Areas by what the operations are about, in the order of the page. */
const AREAS: Readonly<Record<Securable, string>> = {
  server: 'Server',
  experiment: 'Experiments',
  run: 'Runs, metrics, params and tags',
  logged_model: 'Logged models',
  artifact: 'Artifacts',
  registered_model: 'Registered models',
  model_version: 'Model versions',
  trace: 'Traces',
  assessment: 'Assessments',
  dataset: 'Evaluation datasets',
  scorer: 'Scorers',
  issue: 'Issues',
  label_schema: 'Label schemas',
  review_queue: 'Review queues',
  prompt_optimization: 'Prompt optimization',
  gateway: 'AI gateway',
  webhook: 'Webhooks',
  job: 'Jobs',
  mcp_server: 'MCP servers',
  assistant: 'Assistant',
  workspace: 'Workspaces',
  user: 'Users',
  role: 'Roles',
};
const DATABRICKS = 'Databricks services';

interface Row {
  readonly area: string;
  readonly operation: Operation;
  readonly routes: readonly Route[];
  readonly answered: boolean;
}

export interface Survey {
  readonly rows: readonly Row[];
  /** Routes that are missing, fail, or differ from the other routes of their operation. */
  readonly problems: readonly string[];
}

/** Asks the server at `url` every route of every operation, so that nothing is changed. */
export async function survey(url: string): Promise<Survey> {
  const rows: Row[] = [];
  const problems: string[] = [];
  for (const operation of operations.values()) {
    const routes = routesOf(operation);
    const states = new Set<boolean>();
    for (const route of routes) {
      const state = await ask(url, route);
      if (typeof state === 'string') problems.push(`${route.method} ${route.path}: ${state}`);
      else states.add(state);
    }
    if (states.size > 1) problems.push(`${operation.id} is answered on some of its routes only`);
    rows.push({ area: areaOf(operation), operation, routes, answered: states.has(true) });
  }
  return { rows, problems };
}

/**
 * Whether a route is answered, or what is wrong with it. Path parameters hold a NUL and bodies are not JSON, which every
 * operation refuses before it does anything; one that is not there yet says so without looking.
 */
async function ask(url: string, { method, path }: Route): Promise<boolean | string> {
  const target = url + path.replace(/[:*]\w+/g, '%00');
  const body = method === 'GET' ? {} : { body: '{', headers: { 'content-type': 'application/json' } };
  const answer = await fetch(target, { method, ...body });
  const text = await answer.text();
  if (answer.status === 501 && text.includes('"NOT_IMPLEMENTED"')) return false;
  return answer.status >= 500 || text.includes('"ENDPOINT_NOT_FOUND"') ? `${answer.status} ${text}` : true;
}

function areaOf({ oss, permission }: Operation): string {
  if (!oss || permission === undefined) return DATABRICKS;
  return AREAS[permission === 'open' ? 'server' : (permission.split(':')[0] as Securable)];
}

export function render({ rows }: Survey): string {
  const areas = [...Object.values(AREAS), DATABRICKS]
    .map((name) => ({ name, rows: rows.filter(({ area }) => area === name) }))
    .filter((area) => area.rows.length > 0);
  return [
    '# API coverage',
    '',
    `Every operation of the contract (MLflow ${contract.mlflow}) and whether this server answers it. One that is not there yet answers`,
    '501 with `NOT_IMPLEMENTED`. Each path below `/api/` is there below `/ajax-api/` too.',
    '',
    'This page is generated: a test asks a running server, and `node_modules/.bin/node acceptance/http/coverage.ts` writes it anew.',
    '',
    '| area | answered | of |',
    '|---|---|---|',
    ...areas.map(({ name, rows: own }) => `| [${name}](#${anchor(name)}) | ${answered(own)} | ${own.length} |`),
    `| **all** | **${answered(rows)}** | **${rows.length}** |`,
    ...areas.flatMap(({ name, rows: own }) => ['', `## ${name}`, '', ...table(own)]),
    '',
  ].join('\n');
}

const answered = (rows: readonly Row[]): number => rows.filter((row) => row.answered).length;
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

const table = (rows: readonly Row[]): string[] => [
  '| operation | routes | |',
  '|---|---|---|',
  ...rows.map(({ operation, routes, answered: isAnswered }) => {
    const state = isAnswered ? 'yes' : operation.served ? 'not yet' : 'declared, but MLflow does not serve it';
    return `| ${operation.id} | ${distinct(routes).join('<br>')} | ${state} |`;
  }),
];

/** Routes in code font, those below `/ajax-api` only where there is no twin below `/api`. */
function distinct(routes: readonly Route[]): string[] {
  const all = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  return [...all]
    .filter((name) => !all.has(name.replace('/ajax-api/', '/api/')) || !name.includes('/ajax-api/'))
    .map((name) => `\`${name}\``);
}

export const committedPage = (): string => readFileSync(page, 'utf8');

if (import.meta.main) {
  const server = await startServer();
  const found = await survey(server.url);
  await server.stop();
  for (const problem of found.problems) console.error(problem);
  writeFileSync(page, render(found));
  console.log(`${page}: ${answered(found.rows)} of ${found.rows.length} operations are answered.`);
  process.exitCode = found.problems.length === 0 ? 0 : 1;
}
