export const SERIES_COLORS = 10;

/** Lines are coloured by their place in the list, so that the first ten never share a colour. */
export function seriesColor(index: number): string {
  return `--series-${index % SERIES_COLORS}`;
}

/** A canvas cannot follow `light-dark()` in a token: the browser resolves it on an element. */
export function resolveColor(host: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  host.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
