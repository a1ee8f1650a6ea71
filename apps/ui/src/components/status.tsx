import type { RunStatus } from '../api/run.ts';

const WORDS: Record<RunStatus, string> = {
  RUNNING: 'Running',
  SCHEDULED: 'Scheduled',
  FINISHED: 'Finished',
  FAILED: 'Failed',
  KILLED: 'Killed',
};

export function Status({ status }: { status: RunStatus }) {
  return <span className={`status ${status.toLowerCase()}`}>{WORDS[status]}</span>;
}
