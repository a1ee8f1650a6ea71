import { Segmented } from './segmented.tsx';

const VIEWS = [
  { value: 'active', label: 'Active' },
  { value: 'deleted', label: 'Deleted' },
] as const;

/** Whether a list shows what is there or what was deleted; `view` is how the URL says it. */
export function LifecycleToggle({ deleted, onChange }: { deleted: boolean; onChange: (view: string) => void }) {
  return (
    <Segmented
      label="State"
      options={VIEWS}
      value={deleted ? 'deleted' : 'active'}
      onChange={(value) => onChange(value === 'deleted' ? value : '')}
    />
  );
}
