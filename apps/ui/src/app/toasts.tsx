import { useSyncExternalStore } from 'react';
import { Icon } from '../components/icon.tsx';
import { explain } from '../components/notice.tsx';

interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'error';
  undo?: (() => Promise<unknown>) | undefined;
}

const SHOWN_MS = 10_000;
let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

/** Says what was done. With `undo`, offers to take it back while the message stands. */
export function notify(text: string, undo?: () => Promise<unknown>): void {
  show({ id: ++lastId, text, tone: 'plain', undo });
}

/** Says that something the user asked for failed, and why. */
export function notifyFailure(what: string, error: unknown): void {
  show({ id: ++lastId, text: `${what}: ${explain(error)}`, tone: 'error' });
}

function show(toast: Toast): void {
  set([...toasts.slice(-2), toast]);
  setTimeout(() => dismiss(toast.id), SHOWN_MS);
}

function dismiss(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className={`toast ${toast.tone}`}>
          <span>{toast.text}</span>
          {toast.undo && (
            <button type="button" className="link" onClick={() => takeBack(toast)}>
              Undo
            </button>
          )}
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

function takeBack(toast: Toast): void {
  dismiss(toast.id);
  toast.undo?.().catch((error: unknown) => notifyFailure('It could not be undone', error));
}
