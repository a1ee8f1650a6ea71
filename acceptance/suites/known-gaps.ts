import { readFileSync } from 'node:fs';
import type { Outcome } from './outcome.ts';

/** What our server doesn't do yet: `suite > test` a line, `#` begins a comment. */
export class KnownGaps {
  readonly #entries: ReadonlySet<string>;
  readonly #seen = new Set<string>();

  constructor(file: string) {
    const lines = readFileSync(file, 'utf8').split('\n');
    this.#entries = new Set(lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')));
  }

  /** A listed test that fails is skipped; one that passes fails, for its line has to go. */
  judge(suite: string, outcome: Outcome): Outcome {
    const entry = `${suite} > ${outcome.test}`;
    if (!this.#entries.has(entry)) return outcome;
    this.#seen.add(entry);
    if (outcome.outcome === 'failed') return { ...outcome, outcome: 'skipped', message: 'known gap' };
    if (outcome.outcome === 'passed')
      return { ...outcome, outcome: 'failed', message: 'It passes: remove it from known-gaps.txt.' };
    return outcome;
  }

  /** Lines that named no test of a complete run. */
  unseen(): string[] {
    return [...this.#entries].filter((entry) => !this.#seen.has(entry));
  }
}
