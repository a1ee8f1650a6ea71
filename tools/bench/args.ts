import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { venvBin } from '../testkit/paths.ts';

/** How much work one run of the benchmark does. */
export interface Sizes {
  /** Pairs of windows for each row; the table shows their medians. */
  rounds: number;
  /** Length of one window in seconds. */
  windowSeconds: number;
  /** Runs in the database of the search rows, of the sorted row, and of the rows that show flatness (ours alone). */
  searchRuns: number;
  sortedRuns: number;
  flatRuns: number[];
  historyPoints: number;
  artifactBytes: number;
  smallArtifacts: number;
  /** Runs created, and metrics logged, before memory is looked at again: on this server, on the real one. */
  memoryRuns: { millrace: number; mlflow: number };
}

export interface Options {
  /** A scenario is run when its id contains one of these; all are, when there are none. */
  filters: string[];
  mode: 'quick' | 'default' | 'full';
  sizes: Sizes;
  /** Leaves the real server out: for tuning. */
  oursOnly: boolean;
  /** Puts the real server on both sides: every ratio should be 1, and how far it is off is the noise. */
  twice: boolean;
  /** The `mlflow` command to compare with. */
  mlflow: string;
  /** Where to write one JSON object a row. */
  json: string | undefined;
  /** Where to leave V8 CPU profiles of this server. */
  cpuProf: string | undefined;
}

const MIB = 1024 * 1024;

const SIZES: Record<Options['mode'], Sizes> = {
  quick: {
    rounds: 2,
    windowSeconds: 2,
    searchRuns: 1_000,
    sortedRuns: 2_000,
    flatRuns: [1_000, 10_000],
    historyPoints: 100_000,
    artifactBytes: 64 * MIB,
    smallArtifacts: 200,
    memoryRuns: { millrace: 10_000, mlflow: 200 },
  },
  default: {
    rounds: 4,
    windowSeconds: 4,
    searchRuns: 1_000,
    sortedRuns: 10_000,
    flatRuns: [1_000, 100_000, 1_000_000],
    historyPoints: 1_000_000,
    artifactBytes: 256 * MIB,
    smallArtifacts: 1_000,
    memoryRuns: { millrace: 100_000, mlflow: 1_000 },
  },
  full: {
    rounds: 8,
    windowSeconds: 6,
    searchRuns: 1_000,
    sortedRuns: 10_000,
    flatRuns: [1_000, 100_000, 1_000_000],
    historyPoints: 1_000_000,
    artifactBytes: 256 * MIB,
    smallArtifacts: 1_000,
    memoryRuns: { millrace: 100_000, mlflow: 10_000 },
  },
};

export const USAGE = `npm run bench -- [options] [filter …]

  filter          run the scenarios whose id contains this text (log-metric, search, artifact, …)
  --list          print the ids of all scenarios
  --quick         a few minutes: fewer rounds, smaller data
  --full          more rounds, and what takes the real server minutes and gigabytes
  --ours-only     leave the real server out
  --twice         the real server on both sides: every ratio should be 1, the rest is noise
  --rounds N      pairs for each row
  --seconds N     length of one window
  --json FILE     write one JSON object a row, with every round
  --cpu-prof DIR  leave V8 CPU profiles of this server in DIR and print where its time went
  --mlflow PATH   the mlflow command to compare with (default: the one that npm test installs)
`;

/** Reads the command line. Throws an Error that says what is wrong with it. */
export function parseOptions(argv: string[]): Options | 'help' | 'list' {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      list: { type: 'boolean' },
      quick: { type: 'boolean' },
      full: { type: 'boolean' },
      'ours-only': { type: 'boolean' },
      twice: { type: 'boolean' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      'cpu-prof': { type: 'string' },
      mlflow: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  if (values.list) return 'list';
  if (values.quick && values.full) throw new Error('--quick and --full exclude each other');
  const mode = values.quick ? 'quick' : values.full ? 'full' : 'default';
  const sizes = { ...SIZES[mode] };
  if (values.rounds !== undefined) sizes.rounds = parseCount('--rounds', values.rounds);
  if (values.seconds !== undefined) sizes.windowSeconds = parseCount('--seconds', values.seconds);
  return {
    filters: positionals,
    mode,
    sizes,
    oursOnly: values['ours-only'] ?? false,
    twice: values.twice ?? false,
    mlflow: resolve(values.mlflow ?? venvBin('mlflow3', 'mlflow')),
    json: values.json,
    cpuProf: values['cpu-prof'] === undefined ? undefined : resolve(values['cpu-prof']),
  };
}

function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`${option} takes a whole number from 1 up, not '${text}'`);
  return count;
}

/** Whether a scenario is asked for. */
export function isSelected(id: string, filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((filter) => id.includes(filter));
}
