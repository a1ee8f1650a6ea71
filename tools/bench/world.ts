import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HISTORY_BATCH } from './operations.ts';
import { multiplyRuns } from './seeds/multiply.ts';
import { EXPERIMENT } from './seeds/recipe.ts';
import { millraceProgram, Server, type Side } from './servers.ts';

const execFileAsync = promisify(execFile);
const API = '/api/2.0/mlflow';
/** Up to here all runs are made through the API, as users make them; of more, a first block is, and the database multiplies it. */
const MOST_RUNS_BY_HTTP = 20_000;
const BLOCK = 1000;
const WRITTEN_RUNS = 256;

/** What the databases of both sides hold before a scenario begins. */
export type World = { kind: 'writes' } | { kind: 'runs'; runs: number } | { kind: 'history'; points: number };

/** What a scenario must know of it: the experiment, and its runs (of `runs` only the first few). */
export interface Content {
  experimentId: string;
  runIds: string[];
}

export function worldName(world: World): string {
  return world.kind === 'writes' ? 'writes' : `${world.kind}-${world.kind === 'runs' ? world.runs : world.points}`;
}

/** Fills what is faster filled before the server runs. Leaves a folder that its server can be started on. */
export async function prepare(world: World, side: Side, folder: string, mlflow: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (side === 'mlflow' && world.kind !== 'writes') {
    const size = world.kind === 'runs' ? world.runs : world.points;
    const script = join(import.meta.dirname, 'seeds/seed_mlflow.py');
    await execFileAsync(join(mlflow, '../python'), [script, folder, world.kind, String(size)], {
      env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true' },
    });
  }
  if (side === 'millrace' && world.kind === 'runs' && world.runs > MOST_RUNS_BY_HTTP) {
    const server = await Server.start(millraceProgram(folder, undefined));
    const experimentId = await createExperiment(server);
    // One client, so that the runs' ids have their order.
    const plan = { kind: 'seed-runs', experimentId, runs: world.runs } as const;
    await server.load.run({ port: server.port, clients: 1, plan, until: { operations: BLOCK } });
    await server.stop();
    multiplyRuns(folder, BLOCK, world.runs);
  }
}

/** Fills the rest through the API and says what is there. */
export async function fill(world: World, side: Side, server: Server): Promise<Content> {
  const seeded = (side === 'mlflow' && world.kind !== 'writes') || (await hasExperiment(server));
  const experimentId = seeded ? await findExperiment(server) : await createExperiment(server);
  if (!seeded) await fillNew(world, server, experimentId);
  return { experimentId, runIds: await findRuns(server, experimentId) };
}

async function fillNew(world: World, server: Server, experimentId: string): Promise<void> {
  const { load, port } = server;
  switch (world.kind) {
    case 'writes': {
      const plan = { kind: 'create-run', experimentId } as const;
      await load.run({ port, clients: 8, plan, until: { operations: WRITTEN_RUNS } });
      break;
    }
    case 'runs': {
      const plan = { kind: 'seed-runs', experimentId, runs: world.runs } as const;
      await load.run({ port, clients: 16, plan, until: { operations: world.runs } });
      break;
    }
    case 'history': {
      const runId = await createRun(server, experimentId);
      const plan = { kind: 'seed-history', runId, points: world.points } as const;
      await load.run({ port, clients: 4, plan, until: { operations: Math.ceil(world.points / HISTORY_BATCH) } });
      break;
    }
  }
}

async function createExperiment(server: Server): Promise<string> {
  const body = { name: EXPERIMENT };
  return (await server.request<{ experiment_id: string }>('POST', `${API}/experiments/create`, body)).experiment_id;
}

async function hasExperiment(server: Server): Promise<boolean> {
  const body = { max_results: 100, filter: `name = '${EXPERIMENT}'` };
  const found = await server.request<{ experiments?: unknown[] }>('POST', `${API}/experiments/search`, body);
  return found.experiments !== undefined && found.experiments.length > 0;
}

async function findExperiment(server: Server): Promise<string> {
  const path = `${API}/experiments/get-by-name?experiment_name=${EXPERIMENT}`;
  const found = await server.request<{ experiment: { experiment_id: string } }>('GET', path);
  return found.experiment.experiment_id;
}

export async function createRun(server: Server, experimentId: string): Promise<string> {
  const body = { experiment_id: experimentId, start_time: 1 };
  const created = await server.request<RunAnswer>('POST', `${API}/runs/create`, body);
  return created.run.info.run_id;
}

interface RunAnswer {
  run: { info: { run_id: string } };
}

async function findRuns(server: Server, experimentId: string): Promise<string[]> {
  const body = { experiment_ids: [experimentId], max_results: WRITTEN_RUNS };
  const found = await server.request<{ runs?: RunAnswer['run'][] }>('POST', `${API}/runs/search`, body);
  return (found.runs ?? []).map((run) => run.info.run_id);
}
