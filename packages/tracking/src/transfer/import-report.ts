import type { ImportedExperiment } from './import.commands.ts';
import type { ExperimentRecord } from './records.ts';

/** What an import did, counted while it goes on. */
export class ImportReport {
  experiments = 0;
  runs = 0;
  models = 0;
  points = 0;
  params = 0;
  tags = 0;
  /** Runs and models that the target has in this state already. */
  unchanged = 0;
  readonly artifacts = { files: 0, bytes: 0, unchanged: 0 };
  /** Experiments that have another id or name in the target, and those that it had before. */
  readonly mappings: string[] = [];
  /** Runs and models of the target's own with ids of the source: left as they are. */
  readonly foreign: string[] = [];
  /** What failed, by reason. */
  readonly failures = new Map<string, string[]>();
  /** What the source holds and the product does not know. */
  readonly leftOut = new Map<string, number>();

  fail(what: string, reason: string): void {
    const others = this.failures.get(reason);
    if (others === undefined) this.failures.set(reason, [what]);
    else others.push(what);
  }

  get failed(): number {
    let sum = 0;
    for (const whats of this.failures.values()) sum += whats.length;
    return sum;
  }

  mapExperiment(from: ExperimentRecord, to: ImportedExperiment): void {
    const sameId = from.id === String(to.id);
    if (sameId && from.name === to.name) return;
    const id = sameId ? '' : ` with id ${to.id}`;
    const name = from.name === to.name ? '' : ` as '${to.name}'`;
    this.mappings.push(`Experiment ${from.id} '${from.name}' is in the target${name}${id}.`);
  }
}
