import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { deleteExperiment, renameExperiment, restoreExperiment } from '../api/experiments.ts';
import type { WireExperiment } from '../api/wire.ts';
import { notify, notifyFailure } from '../app/toasts.tsx';
import { NameDialog } from '../components/name-dialog.tsx';

export function ExperimentActions({ experiment }: { experiment: WireExperiment }) {
  const { experiment_id: id, name, lifecycle_stage } = experiment;
  const client = useQueryClient();
  const [renaming, setRenaming] = useState(false);
  const refresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ['experiments'] }),
      client.invalidateQueries({ queryKey: ['experiment', id] }),
      client.invalidateQueries({ queryKey: ['runs'] }),
    ]);

  const restore = async () => {
    await restoreExperiment(id);
    await refresh();
  };
  const remove = async () => {
    await deleteExperiment(id);
    notify(`Deleted the experiment ${name}`, restore);
    await refresh();
  };
  const attempt = (what: string, act: () => Promise<unknown>) => () => {
    act().catch((error: unknown) => notifyFailure(`${name} could not be ${what}`, error));
  };

  if (lifecycle_stage === 'deleted') {
    return (
      <button
        type="button"
        className="link"
        aria-label={`Restore ${name}`}
        onClick={attempt('restored', async () => {
          await restore();
          notify(`Restored the experiment ${name}`);
        })}
      >
        Restore
      </button>
    );
  }
  return (
    <>
      <button type="button" className="link" aria-label={`Rename ${name}`} onClick={() => setRenaming(true)}>
        Rename
      </button>
      <button type="button" className="link danger" aria-label={`Delete ${name}`} onClick={attempt('deleted', remove)}>
        Delete
      </button>
      {renaming && (
        <NameDialog
          title="Rename experiment"
          action="Rename"
          initial={name}
          save={async (given) => {
            await renameExperiment(id, given);
            await refresh();
          }}
          onClose={() => setRenaming(false)}
        />
      )}
    </>
  );
}
