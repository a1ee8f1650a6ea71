import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Run } from '../api/run.ts';
import { deleteRunTag, setRunTag } from '../api/runs.ts';

export interface TagChange {
  key: string;
  /** `undefined` deletes the tag. */
  value: string | undefined;
}

export function useTagChange(run: Run) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ key, value }: TagChange) => {
      await (value === undefined ? deleteRunTag(run.id, key) : setRunTag(run.id, key, value));
      await Promise.all([
        client.invalidateQueries({ queryKey: ['run', run.id] }),
        client.invalidateQueries({ queryKey: ['runs'] }),
      ]);
    },
  });
}
