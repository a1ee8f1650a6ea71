import { performance } from 'node:perf_hooks';
import { Connection } from './http/connection.ts';
import { operation, type Plan } from './operations.ts';
import { quantile } from './statistics.ts';

/** One window of load. It ends when the time is over or the number is done, and what was begun is finished. */
export interface LoadJob {
  port: number;
  clients: number;
  plan: Plan;
  until: { seconds: number } | { operations: number };
}

export interface LoadResult {
  operations: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
}

/** Counts through the life of this process, so that no window repeats a key of an earlier one. */
let sequence = 0;

async function run(job: LoadJob): Promise<LoadResult> {
  const connections = await Promise.all(Array.from({ length: job.clients }, () => Connection.open(job.port)));
  const work = operation(job.plan);
  const latencies: number[] = [];
  const begin = performance.now();
  const deadline = 'seconds' in job.until ? begin + job.until.seconds * 1000 : Number.POSITIVE_INFINITY;
  let left = 'operations' in job.until ? job.until.operations : Number.POSITIVE_INFINITY;

  let index = 0;
  const client = async (connection: Connection, number: number): Promise<void> => {
    for (let turn = 0, start = performance.now(); start < deadline && left-- > 0; turn++) {
      await work(connection, { client: number, turn, index: index++, sequence: sequence++ });
      const end = performance.now();
      latencies.push(end - start);
      start = end;
    }
  };
  try {
    await Promise.all(connections.map(client));
  } finally {
    for (const connection of connections) connection.close();
  }
  return {
    operations: latencies.length,
    seconds: (performance.now() - begin) / 1000,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send!({ result }),
    (error: unknown) => process.send!({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
