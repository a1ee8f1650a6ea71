import type { Bench } from '../bench.ts';
import type { Plan } from '../operations.ts';
import { atMost, type Check, type Measure } from '../report.ts';
import { comparison, cpuTimes, expectEqual, type Scenario, shareOf } from '../scenario.ts';
import type { Server } from '../servers.ts';
import type { World } from '../world.ts';

const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';
const SMALL_BYTES = 10_000;
/** Flat memory: what a server may hold more while it moves a file, however large the file is. */
const FLAT_MB = 96;

const world = (): World => ({ kind: 'writes' });
const largePath = `${ARTIFACTS}/bench/large.bin`;

function smallPaths(bench: Bench): string[] {
  return Array.from(
    { length: bench.options.sizes.smallArtifacts },
    (_, index) => `${ARTIFACTS}/bench/small/${index}.bin`,
  );
}

function large(bench: Bench): string {
  return `artifact of ${bench.options.sizes.artifactBytes / 2 ** 20} MiB`;
}

function flatMemory(millrace: Measure | undefined): Check {
  return atMost('memory grows', millrace?.growthMb ?? Number.NaN, FLAT_MB, (mb) => `${Math.round(mb)} MB`);
}

export const artifacts: Scenario[] = [
  comparison({
    id: 'artifact-large-up',
    work: (bench) => `${large(bench)}: up`,
    world,
    job: async (_, { options }) => ({
      clients: 1,
      plan: { kind: 'upload', paths: [largePath], bytes: options.sizes.artifactBytes },
      operations: 1,
    }),
    watchMemory: true,
    limits: { copyBytes: ({ options }) => options.sizes.artifactBytes },
    checks: (row, { copy }) => [
      ...cpuTimes(row, 3),
      ...shareOf('of a plain copy', row.millrace, copy, 0.4),
      flatMemory(row.millrace),
    ],
  }),
  comparison({
    id: 'artifact-large-down',
    work: (bench) => `${large(bench)}: down`,
    world,
    job: async ({ server }, { options }) => {
      const bytes = options.sizes.artifactBytes;
      const plan: Plan = { kind: 'upload', paths: [largePath], bytes };
      await server.load.run({ port: server.port, clients: 1, plan, until: { operations: 1 } });
      return { clients: 1, plan: { kind: 'get', paths: [largePath] }, operations: 1 };
    },
    watchMemory: true,
    limits: { copyBytes: ({ options }) => options.sizes.artifactBytes },
    checks: (row, { copy }) => [
      ...cpuTimes(row, 3),
      ...shareOf('of a plain copy', row.millrace, copy, 0.4),
      flatMemory(row.millrace),
    ],
  }),
  comparison({
    id: 'artifact-small-up',
    work: (bench) => `${bench.options.sizes.smallArtifacts.toLocaleString('en-US')} artifacts of 10 KB: up, each`,
    world,
    job: async (_, bench) => ({
      clients: 1,
      plan: { kind: 'upload', paths: smallPaths(bench), bytes: SMALL_BYTES },
      operations: bench.options.sizes.smallArtifacts,
    }),
    limits: { fsync: true },
    checks: (row) => cpuTimes(row, 8),
  }),
  comparison({
    id: 'artifact-small-down',
    work: (bench) => `${bench.options.sizes.smallArtifacts.toLocaleString('en-US')} artifacts of 10 KB: down, each`,
    world,
    job: async ({ server }, bench) => {
      await uploadSmall(server, bench);
      return { clients: 1, plan: { kind: 'get', paths: smallPaths(bench) } };
    },
    limits: { hello: true },
    checks: (row) => cpuTimes(row, 8),
  }),
  comparison({
    id: 'artifact-list',
    work: (bench) => `list ${bench.options.sizes.smallArtifacts.toLocaleString('en-US')} artifacts`,
    world,
    verify: async ({ server }, bench) => {
      await uploadSmall(server, bench);
      const { files } = await server.request<{ files?: unknown[] }>('GET', `${ARTIFACTS}?path=bench/small`);
      expectEqual('artifacts', files?.length ?? 0, bench.options.sizes.smallArtifacts);
    },
    job: async () => ({ clients: 1, plan: { kind: 'get', paths: [`${ARTIFACTS}?path=bench/small`] } }),
    checks: (row) => cpuTimes(row, 50),
  }),
];

async function uploadSmall({ load, port }: Server, bench: Bench): Promise<void> {
  const paths = smallPaths(bench);
  const plan = { kind: 'upload', paths, bytes: SMALL_BYTES } as const;
  await load.run({ port, clients: 4, plan, until: { operations: paths.length } });
}
