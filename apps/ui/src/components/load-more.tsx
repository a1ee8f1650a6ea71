interface Pages {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

export function LoadMore({ pages }: { pages: Pages }) {
  if (!pages.hasNextPage) return null;
  return (
    <button
      type="button"
      className="button more"
      disabled={pages.isFetchingNextPage}
      onClick={() => pages.fetchNextPage()}
    >
      {pages.isFetchingNextPage ? 'Loading …' : 'Load more'}
    </button>
  );
}

/** `12 runs`, or `the first 100 runs` where there are more. The API knows no totals. */
export function Count({ shown, noun, more }: { shown: number; noun: string; more: boolean }) {
  return (
    <p className="count" role="status">
      {more ? `the first ${shown}` : shown} {shown === 1 ? noun : `${noun}s`}
    </p>
  );
}
