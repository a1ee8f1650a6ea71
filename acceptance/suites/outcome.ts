export interface Outcome {
  /** Unique within its suite and stable: known gaps name it. */
  readonly test: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly message: string;
}

/** The server under test, for a suite that knows only its URL. */
export interface Target {
  readonly url: string;
  readonly kind: 'millrace' | 'mlflow';
}

export interface Suite {
  readonly name: string;
  /** What of it runs on each backend: all, a smaller part where another suite has covered the wire already, or nothing. */
  readonly on: Readonly<Record<'sqlite' | 'postgres', 'all' | 'smoke' | 'none'>>;
  run(target: Target, extent: 'all' | 'smoke'): Promise<Outcome[]>;
}

/** A suite that could not run as such counts as one test. */
export const whole = (outcome: Outcome['outcome'], message: string): Outcome[] => [
  { test: '(the suite)', outcome, message },
];

/** The environment of a client: ours, without any setting that would lead it elsewhere. */
export function clientEnvironment({ url, kind }: Target): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(MLFLOW|DATABRICKS)_/.test(name));
  return { ...Object.fromEntries(kept), MLFLOW_TRACKING_URI: url, ACCEPTANCE_TARGET: kind };
}
