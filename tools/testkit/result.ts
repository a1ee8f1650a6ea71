/** What a stage found. Both lists name tests, or say why something failed or was skipped. */
export interface StageResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
  readonly skips: readonly string[];
}

export const none: StageResult = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };

export function add(a: StageResult, b: StageResult): StageResult {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
    skips: [...a.skips, ...b.skips],
  };
}

/** One check that either holds or doesn't. */
export function single(name: string, ok: boolean): StageResult {
  return ok ? { ...none, passed: 1 } : { ...none, failed: 1, failures: [name] };
}

/** `12 passed, 0 failed`, and `, 3 skipped` where some were: the last line of a test run. */
export function summary({ passed, failed, skipped }: StageResult): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

/** Reads such a last line. A program that failed without saying what counts as one failure. */
export function parseSummary(name: string, output: string, exitCode: number | null): StageResult {
  const lines = output.trimEnd().split('\n');
  const match = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(lines.at(-1)?.trim() ?? '');
  if (match === null)
    return single(`${name} ended (exit status ${exitCode}) without 'N passed, N failed' as its last line`, false);
  const [passed, failed, skipped] = [match[1], match[2], match[3] ?? 0].map(Number) as [number, number, number];
  if (failed > 0) return { ...none, passed, failed, skipped, failures: [`${failed} of ${name}`] };
  const result = { ...none, passed, skipped };
  return exitCode === 0 ? result : add(result, single(`${name} ended with exit status ${exitCode}`, false));
}
