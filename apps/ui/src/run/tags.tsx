import { type FormEvent, useState } from 'react';
import type { Run } from '../api/run.ts';
import { Icon } from '../components/icon.tsx';
import { explain } from '../components/notice.tsx';
import { byName } from '../format/order.ts';
import { useTagChange } from './use-tag-change.ts';

/** The user's own tags. Those that MLflow keeps for itself are shown where they mean something, or below. */
export function Tags({ run }: { run: Run }) {
  const change = useTagChange(run);
  const [editing, setEditing] = useState<{ key: string; value: string } | undefined>();
  const all = [...run.tags].sort(([a], [b]) => byName(a, b));
  const own = all.filter(([key]) => !key.startsWith('mlflow.'));
  const system = all.filter(([key]) => key.startsWith('mlflow.') && key !== 'mlflow.note.content');
  return (
    <section className="card">
      <div className="card-head">
        <h2>Tags</h2>
        {editing === undefined && !run.deleted && (
          <button type="button" className="link" onClick={() => setEditing({ key: '', value: '' })}>
            Add a tag
          </button>
        )}
      </div>
      {own.length === 0 && editing === undefined && <p className="faint">None.</p>}
      <ul className="tags">
        {own.map(([key, value]) => (
          <li key={key}>
            <span className="tag-text">
              <b>{key}</b> {value}
            </span>
            {!run.deleted && (
              <>
                <button
                  type="button"
                  className="icon-button"
                  aria-label={`Edit the tag ${key}`}
                  onClick={() => setEditing({ key, value })}
                >
                  <Icon name="edit" />
                </button>
                <button
                  type="button"
                  className="icon-button"
                  aria-label={`Delete the tag ${key}`}
                  onClick={() => change.mutate({ key, value: undefined })}
                >
                  <Icon name="close" />
                </button>
              </>
            )}
          </li>
        ))}
      </ul>
      {editing !== undefined && (
        <TagForm
          key={editing.key}
          initial={editing}
          onCancel={() => setEditing(undefined)}
          onSave={(tag) => change.mutate(tag, { onSuccess: () => setEditing(undefined) })}
        />
      )}
      {change.isError && (
        <p className="field-error" role="alert">
          {explain(change.error)}
        </p>
      )}
      {system.length > 0 && (
        <details>
          <summary>Set by MLflow ({system.length})</summary>
          <dl className="system-tags">
            {system.map(([key, value]) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}

interface FormProps {
  initial: { key: string; value: string };
  onCancel: () => void;
  onSave: (tag: { key: string; value: string }) => void;
}

function TagForm({ initial, onCancel, onSave }: FormProps) {
  const [key, setKey] = useState(initial.key);
  const [value, setValue] = useState(initial.value);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSave({ key: key.trim(), value });
  };
  const existing = initial.key !== '';
  return (
    <form className="tag-form" onSubmit={submit}>
      <input
        aria-label="Tag key"
        placeholder="key"
        required
        maxLength={250}
        readOnly={existing}
        // biome-ignore lint/a11y/noAutofocus: the button that opened the form was pressed for this
        autoFocus={!existing}
        value={key}
        onChange={(event) => setKey(event.target.value)}
      />
      <input
        aria-label="Tag value"
        placeholder="value"
        maxLength={8000}
        // biome-ignore lint/a11y/noAutofocus: as above
        autoFocus={existing}
        value={value}
        onChange={(event) => setValue(event.target.value)}
      />
      <button type="submit" className="button primary" disabled={key.trim() === ''}>
        Save tag
      </button>
      <button type="button" className="button" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}
