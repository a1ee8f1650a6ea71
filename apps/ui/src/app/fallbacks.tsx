import { Link } from '@tanstack/react-router';
import { Notice } from '../components/notice.tsx';

export function NotFoundPage() {
  return (
    <Notice title="There is no page at this address">
      <p>
        The link may come from a newer version, or a part of it got lost.{' '}
        <Link to="/experiments">See all experiments</Link>
      </p>
    </Notice>
  );
}

/** A mistake of ours. The rest of the app, the header and its links, still stands. */
export function CrashPage({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <Notice title="This page broke" tone="error">
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <p>
        <button type="button" className="button" onClick={reset}>
          Try again
        </button>
      </p>
    </Notice>
  );
}
