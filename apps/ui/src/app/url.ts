// The state of every screen is in its URL, as plain readable parameters: `?filter=metrics.loss+<+1&sort=-metrics.loss`.

type Search<Name extends string> = { [name in Name]?: string | undefined };

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** Leaves out what is empty, so that a screen in its first state has a bare URL. */
export function stringifySearch(search: Record<string, unknown>): string {
  const filled = Object.entries(search).filter(([, value]) => typeof value === 'string' && value !== '');
  const text = new URLSearchParams(filled as [string, string][]).toString();
  return text === '' ? '' : `?${text}`;
}

/** Keeps the parameters that a screen knows. */
export function searchOf<Name extends string>(...names: Name[]): (raw: Record<string, unknown>) => Search<Name> {
  return (raw) => {
    const search: Search<Name> = {};
    for (const name of names) {
      const value = raw[name];
      if (typeof value === 'string' && value !== '') search[name] = value;
    }
    return search;
  };
}

export function splitList(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((item) => item !== '');
}

/** The sort after a click on a header: towards `first`, then the other way. */
export function nextSort(current: string, column: string, first: 'asc' | 'desc'): string {
  if (current === column) return `-${column}`;
  if (current === `-${column}`) return column;
  return first === 'asc' ? column : `-${column}`;
}
