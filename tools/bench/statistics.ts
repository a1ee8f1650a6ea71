/** The value at quantile `q` (0…1) by nearest rank; NaN for an empty list. Does not reorder its argument. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = Math.max(0, Math.ceil(q * sorted.length) - 1);
  return sorted[rank] ?? Number.NaN;
}

/** The middle value; the mean of the two middle ones where their number is even; NaN for an empty list. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The median of every field over samples that have it. A field that no sample has stays absent. */
export function medians<T extends { [K in keyof T]?: number }>(samples: readonly T[]): Partial<T> {
  const names = new Set(samples.flatMap((sample) => Object.keys(sample))) as Set<keyof T>;
  const result: Partial<T> = {};
  for (const name of names) {
    const values = samples.map((sample) => sample[name]).filter((value) => value !== undefined);
    if (values.length > 0) result[name] = median(values as number[]) as T[keyof T];
  }
  return result;
}

/** Order of the sides in one round: A B, then B A, so that drift of the machine meets both sides alike. */
export function interleaved<T>(sides: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...sides] : sides.toReversed();
}
