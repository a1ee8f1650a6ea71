import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The parts of a V8 CPU profile that are used here. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

export interface Share {
  name: string;
  /** Milliseconds in the function itself, and in it and what it called. */
  selfMs: number;
  totalMs: number;
}

const IDLE = new Set(['(idle)', '(program)', '(root)']);

/** Functions by their own time, the busiest first; what is not code is left out. */
export function hotFunctions(profile: CpuProfile): Share[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)),
  );
  const shares = new Map<string, Share>();
  const share = (name: string): Share => {
    const found = shares.get(name) ?? { name, selfMs: 0, totalMs: 0 };
    shares.set(name, found);
    return found;
  };
  const selfMs = new Map<number, number>();
  for (const [index, id] of profile.samples.entries()) {
    selfMs.set(id, (selfMs.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1000);
  }
  for (const [id, ms] of selfMs) {
    const leaf = nodes.get(id);
    if (leaf === undefined || IDLE.has(leaf.callFrame.functionName)) continue;
    share(frameName(leaf.callFrame)).selfMs += ms;
    // A recursive function is on the stack several times and counts once.
    const onStack = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame;
      if (frame !== undefined && !IDLE.has(frame.functionName)) onStack.add(frameName(frame));
    }
    for (const name of onStack) share(name).totalMs += ms;
  }
  return [...shares.values()].toSorted((a, b) => b.selfMs - a.selfMs);
}

function frameName({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const place =
    url === ''
      ? ''
      : ` ${url
          .replace(/^file:\/\//, '')
          .split('/')
          .slice(-4)
          .join('/')}:${lineNumber + 1}`;
  return `${functionName || '(anonymous)'}${place}`;
}

/** One table of the busiest functions for each profile in a folder, as Markdown. A thread of its own has its own profile. */
export function profileSummary(folder: string, count = 40): string {
  const sections = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => {
      const hot = hotFunctions(JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile);
      const busyMs = hot.reduce((sum, { selfMs }) => sum + selfMs, 0);
      const percent = (ms: number): string => `${((100 * ms) / busyMs).toFixed(1)} %`;
      const lines = hot
        .slice(0, count)
        .map(({ name: f, selfMs, totalMs }) => `| ${percent(selfMs)} | ${percent(totalMs)} | ${f} |`);
      return `### ${basename(name)}: busy ${Math.round(busyMs)} ms\n\n| self | total | function |\n|---|---|---|\n${lines.join('\n')}`;
    });
  return sections.join('\n\n');
}
