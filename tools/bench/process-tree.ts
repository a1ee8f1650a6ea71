import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts process times in these, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  pid: number;
  parent: number;
  /** One letter, as in ps: R running, S asleep, Z ended but not waited for. */
  state: string;
  /** CPU seconds of the process and of its children that ended and were waited for. */
  cpuSeconds: number;
}

/** Reads one line of /proc/<pid>/stat. The command, in parentheses, may itself hold spaces and parentheses. */
export function parseStat(line: string): ProcessStat {
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  const fields = line.slice(close + 2).split(' ');
  // proc(5) numbers the fields from 1; `fields` begins with the third, the state.
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid: Number(line.slice(0, open)),
    parent: field(4),
    state: fields[0] ?? '',
    cpuSeconds: (field(14) + field(15) + field(16) + field(17)) / TICKS_PER_SECOND,
  };
}

/** `root` and everything below it. */
export function descendants(processes: readonly ProcessStat[], root: number): ProcessStat[] {
  const children = Map.groupBy(processes, (process) => process.parent);
  const found = processes.filter((process) => process.pid === root);
  for (let next = 0; next < found.length; next++) found.push(...(children.get(found[next]!.pid) ?? []));
  return found;
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined; // the process ended meanwhile
  }
}

/** Whether the process is still there and has not ended. */
export function isRunning(pid: number): boolean {
  const line = readOrNothing(`/proc/${pid}/stat`);
  return line !== undefined && parseStat(line).state !== 'Z';
}

/** The processes of a server: the one started and all below it. */
export function processTree(root: number): ProcessStat[] {
  const stats: ProcessStat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = readOrNothing(`/proc/${name}/stat`);
    if (line !== undefined) stats.push(parseStat(line));
  }
  return descendants(stats, root);
}

/** CPU seconds that the tree has used since it began. */
export function treeCpuSeconds(root: number): number {
  return processTree(root).reduce((sum, process) => sum + process.cpuSeconds, 0);
}

/** Resident bytes, added up: what several processes share counts several times. Cheap; for watching peaks. */
export function residentBytes(pids: readonly number[]): number {
  return sumOf(pids, 'status', /^VmRSS:\s+(\d+) kB/m);
}

/**
 * Resident bytes of the tree. What its processes share counts once (proportional set sizes), which is kind to a server
 * of many processes; of a single process it is the whole resident set.
 */
export function treeMemoryBytes(root: number): number {
  const pids = processTree(root).map(({ pid }) => pid);
  return pids.length === 1 ? residentBytes(pids) : sumOf(pids, 'smaps_rollup', /^Pss:\s+(\d+) kB/m);
}

function sumOf(pids: readonly number[], file: string, kilobytes: RegExp): number {
  const texts = pids.map((pid) => readOrNothing(`/proc/${pid}/${file}`) ?? '');
  return texts.reduce((sum, text) => sum + Number(kilobytes.exec(text)?.[1] ?? 0) * 1024, 0);
}
