import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Run } from '../api/run.ts';
import { deleteRuns, renameRun, restoreRuns } from '../api/runs.ts';
import { notify, notifyFailure } from '../app/toasts.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { NameDialog } from '../components/name-dialog.tsx';
import { Status } from '../components/status.tsx';
import { Duration, RelativeTime } from '../components/time.tsx';

export function RunHead({ run }: { run: Run }) {
  const client = useQueryClient();
  const [renaming, setRenaming] = useState(false);
  const refresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ['run', run.id] }),
      client.invalidateQueries({ queryKey: ['runs'] }),
    ]);
  const restore = () => restoreRuns([run.id]).finally(refresh);
  const toggleDeleted = async () => {
    try {
      if (run.deleted) await restore();
      else await deleteRuns([run.id]).finally(refresh);
      notify(`${run.deleted ? 'Restored' : 'Deleted'} the run ${run.name}`, run.deleted ? undefined : restore);
    } catch (error) {
      notifyFailure(`The run could not be ${run.deleted ? 'restored' : 'deleted'}`, error);
    }
  };
  return (
    <header>
      <div className="page-head">
        <h1>{run.name}</h1>
        <Status status={run.status} />
        {run.deleted && <span className="status killed">Deleted</span>}
        <span className="row-actions">
          {!run.deleted && (
            <button type="button" className="link" onClick={() => setRenaming(true)}>
              Rename
            </button>
          )}
          <button type="button" className={run.deleted ? 'link' : 'link danger'} onClick={toggleDeleted}>
            {run.deleted ? 'Restore' : 'Delete'}
          </button>
        </span>
      </div>
      <Facts run={run} />
      {renaming && (
        <NameDialog
          title="Rename run"
          action="Rename"
          initial={run.name}
          save={async (name) => {
            await renameRun(run.id, name);
            await refresh();
          }}
          onClose={() => setRenaming(false)}
        />
      )}
    </header>
  );
}

function Facts({ run }: { run: Run }) {
  const commit = run.tags.get('mlflow.source.git.commit');
  const source = run.tags.get('mlflow.source.name');
  return (
    <dl className="facts">
      <Fact name="Run ID">
        <code>{run.id}</code> <CopyButton text={run.id} label="Copy run ID" />
      </Fact>
      <Fact name="Started">
        <RelativeTime time={run.startTime} />
      </Fact>
      <Fact name="Duration">
        <Duration start={run.startTime} end={run.endTime} running={run.status === 'RUNNING'} />
      </Fact>
      {run.user !== '' && <Fact name="User">{run.user}</Fact>}
      {source !== undefined && <Fact name="Source">{source}</Fact>}
      {commit !== undefined && (
        <Fact name="Commit">
          <code title={commit}>{commit.slice(0, 10)}</code> <CopyButton text={commit} label="Copy commit" />
        </Fact>
      )}
      {run.parentId !== undefined && (
        <Fact name="Parent">
          <Link
            to="/experiments/$experimentId/runs/$runId"
            params={{ experimentId: run.experimentId, runId: run.parentId }}
          >
            {run.parentId.slice(0, 8)}
          </Link>
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
