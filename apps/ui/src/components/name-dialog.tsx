import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Dialog } from './dialog.tsx';
import { explain } from './notice.tsx';

interface Props {
  title: string;
  action: string;
  initial?: string;
  save: (name: string) => Promise<unknown>;
  onClose: () => void;
}

/** Asks for one name; what the server says against it stands under the field. */
export function NameDialog({ title, action, initial = '', save, onClose }: Props) {
  const [name, setName] = useState(initial);
  const saving = useMutation({ mutationFn: save, onSuccess: onClose });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(name.trim());
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <label className="field">
          Name
          <input
            autoFocus
            required
            maxLength={500}
            value={name}
            aria-invalid={saving.isError}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        {saving.isError && (
          <p className="field-error" role="alert">
            {explain(saving.error)}
          </p>
        )}
        <div className="actions end">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={name.trim() === '' || saving.isPending}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
