import { useSyncExternalStore } from 'react';
import { absoluteTime, formatDuration, relativeTime } from '../format/time.ts';

const TICK_MS = 5000;
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** One clock for the whole page, running only while something shows a time. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

/** Coarse, but never before what it is compared with just after loading. */
function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

export function RelativeTime({ time }: { time: number | undefined }) {
  const current = useNow();
  if (time === undefined) return <span className="faint">–</span>;
  return (
    <time dateTime={new Date(time).toISOString()} title={absoluteTime(time)}>
      {relativeTime(time, Math.max(current, Math.min(time, Date.now())))}
    </time>
  );
}

export function Duration(props: { start: number | undefined; end: number | undefined; running: boolean }) {
  const current = useNow();
  const { start, running } = props;
  const end = props.end ?? (running ? Math.max(current, start ?? 0) : undefined);
  if (start === undefined || end === undefined) return <span className="faint">–</span>;
  return <span>{formatDuration(end - start)}</span>;
}
