import { type Int64, wireDouble } from '../runs/run.ts';

/** A point as read: step, timestamp, value, is_nan. */
export type PointRow = readonly [step: Int64, timestamp: Int64, value: number, isNan: number];

/** Points as JSON objects joined by commas; `head` and `tail` are what every object begins and ends with. */
export function pointsText(key: string, rows: readonly PointRow[], tail = ''): string {
  const head = `{"key":${JSON.stringify(key)},"value":`;
  let text = '';
  for (const [step, timestamp, value, isNan] of rows) {
    const number = isNan === 0 && Number.isFinite(value) ? value : JSON.stringify(wireDouble(value, isNan));
    text += `${text === '' ? '' : ','}${head}${number},"timestamp":${timestamp},"step":${step}${tail}}`;
  }
  return text;
}

/**
 * Positions of `wanted` rows spread evenly over `count`: the first row of each of `wanted` buckets, of which the first
 * ones are larger by one where they cannot be equal (SQL's NTILE). The last row takes the last place.
 */
export function samplePositions(count: number, wanted: number): number[] {
  const size = Math.floor(count / wanted);
  const larger = count % wanted;
  const positions = Array.from({ length: wanted }, (_, i) => i * size + Math.min(i, larger));
  positions[wanted - 1] = count - 1;
  return positions;
}
