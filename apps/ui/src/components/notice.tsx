import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ApiError, UnreachableError } from '../api/request.ts';

export function Notice(props: { title: string; tone?: 'plain' | 'error'; children?: ReactNode }) {
  const { title, tone = 'plain', children } = props;
  return (
    <section className={`notice ${tone}`} role={tone === 'error' ? 'alert' : undefined}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** What could not be shown, why, and what to do about it. */
export function ErrorNotice({ what, error, retry }: { what: string; error: unknown; retry?: () => unknown }) {
  return (
    <Notice title={`${what} could not be loaded`} tone="error">
      <p>{explain(error)}</p>
      {isMissing(error) ? (
        <p>
          It may have been removed for good, or a part of the link got lost.{' '}
          <Link to="/experiments">See all experiments</Link>
        </p>
      ) : (
        retry !== undefined && (
          <button type="button" className="button" onClick={() => retry()}>
            Try again
          </button>
        )
      )}
    </Notice>
  );
}

export function explain(error: unknown): string {
  if (error instanceof UnreachableError) return 'The server does not answer. The page reconnects by itself.';
  if (error instanceof Error) return error.message;
  return String(error);
}

function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** The three lines of code that fill an empty place. */
export function EmptyState({ title, children, code }: { title: string; children?: ReactNode; code?: string }) {
  return (
    <Notice title={title}>
      {children}
      {code !== undefined && (
        <pre className="code">
          <code>{code}</code>
        </pre>
      )}
    </Notice>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      Loading {what} …
    </p>
  );
}
