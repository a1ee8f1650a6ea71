import type { Metric } from '../api/run.ts';

export type XAxis = 'step' | 'time';
export type Scale = 'linear' | 'log';

/** `undefined`: this line has no point here, draw across. `null`: it has one that cannot be drawn, leave a gap. */
export type Column = (number | null | undefined)[];

/** The x values of all lines, ascending, and for each line a column of the same length. Time is in seconds since a line's start. */
export function alignHistories(
  histories: readonly (readonly Metric[])[],
  x: XAxis,
  scale: Scale,
): [number[], ...Column[]] {
  const lines = histories.map((history) => {
    const start = history.reduce((first, point) => Math.min(first, point.timestamp), Infinity);
    return new Map(
      history.map((point) => [
        x === 'step' ? point.step : (point.timestamp - start) / 1000,
        drawable(point.value, scale),
      ]),
    );
  });
  const xs = [...new Set(lines.flatMap((line) => [...line.keys()]))].sort((a, b) => a - b);
  return [xs, ...lines.map((line) => xs.map((at) => line.get(at)))];
}

function drawable(value: number, scale: Scale): number | null {
  return Number.isFinite(value) && (scale === 'linear' || value > 0) ? value : null;
}

/** Values logged again and again on one step have only their time to tell them apart. */
export function axisFor(histories: readonly (readonly Metric[])[], wanted: XAxis): XAxis {
  const oneStep = histories.every((history) => history.every((point) => point.step === history[0]?.step));
  return oneStep && histories.some((history) => history.length > 1) ? 'time' : wanted;
}
