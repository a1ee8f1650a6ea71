import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Run } from '../api/run.ts';
import { deleteRuns, restoreRuns } from '../api/runs.ts';
import { notify, notifyFailure } from '../app/toasts.tsx';

/** What can be done with the selected runs. */
export function SelectionBar({
  runs,
  deleted,
  onDone,
}: {
  runs: readonly Run[];
  deleted: boolean;
  onDone: () => void;
}) {
  const client = useQueryClient();
  if (runs.length === 0) return null;
  const ids = runs.map((run) => run.id);
  const what = runs.length === 1 ? `the run ${runs[0]?.name}` : `${runs.length} runs`;
  const refresh = () => client.invalidateQueries({ queryKey: ['runs'] });

  const restore = async () => {
    await restoreRuns(ids).finally(refresh);
  };
  const act = async () => {
    try {
      if (deleted) await restore();
      else await deleteRuns(ids).finally(refresh);
      notify(`${deleted ? 'Restored' : 'Deleted'} ${what}`, deleted ? undefined : restore);
      onDone();
    } catch (error) {
      notifyFailure(`Not all of ${what} could be ${deleted ? 'restored' : 'deleted'}`, error);
    }
  };
  return (
    <div className="selection">
      <span>{runs.length} selected</span>
      {runs.length > 1 && (
        <Link className="button" to="/compare" search={{ runs: ids.join(',') }}>
          Compare
        </Link>
      )}
      <button type="button" className={deleted ? 'button' : 'button danger'} onClick={act}>
        {deleted ? 'Restore' : 'Delete'}
      </button>
      <button type="button" className="button quiet" onClick={onDone}>
        Clear selection
      </button>
    </div>
  );
}
