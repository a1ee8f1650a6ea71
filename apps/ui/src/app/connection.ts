import { useSyncExternalStore } from 'react';

/** Whether the last request reached the server; every request reports here, and the banner listens. */
let reachable = true;
const listeners = new Set<() => void>();

export function reportReachable(): void {
  change(true);
}

export function reportUnreachable(): void {
  change(false);
}

export function useReachable(): boolean {
  return useSyncExternalStore(subscribe, () => reachable);
}

function change(now: boolean): void {
  if (now === reachable) return;
  reachable = now;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
