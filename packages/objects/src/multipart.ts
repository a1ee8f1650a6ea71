import { invalid } from '@millrace/core';
import type { UploadedPart } from './artifact-store.ts';

/** As in S3, whose limit the other stores share. */
export const MAX_PARTS = 10_000;

/** How long the URLs of parts stay good: enough for the slowest sensible upload. */
export const PART_URL_SECONDS = 12 * 60 * 60;

export function checkPartNumber(partNumber: number): number {
  if (Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= MAX_PARTS) return partNumber;
  throw invalid(`Invalid part number ${partNumber}: parts are numbered from 1 to ${MAX_PARTS}`);
}

export function checkPartCount(parts: number): number {
  if (Number.isInteger(parts) && parts >= 1 && parts <= MAX_PARTS) return parts;
  throw invalid(`Invalid number of parts ${parts}: an upload has 1 to ${MAX_PARTS} parts`);
}

/** The parts in the order of their numbers; none, or one number twice, is refused. */
export function orderedParts(parts: readonly UploadedPart[]): UploadedPart[] {
  checkPartCount(parts.length);
  const ordered = parts.toSorted((a, b) => a.partNumber - b.partNumber);
  for (const [index, { partNumber }] of ordered.entries()) {
    checkPartNumber(partNumber);
    if (index > 0 && ordered[index - 1]!.partNumber === partNumber) throw invalid(`Part ${partNumber} is listed twice`);
  }
  return ordered;
}
