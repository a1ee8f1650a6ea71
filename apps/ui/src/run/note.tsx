import { useState } from 'react';
import type { Run } from '../api/run.ts';
import { Markdown } from '../components/markdown-view.tsx';
import { explain } from '../components/notice.tsx';
import { useTagChange } from './use-tag-change.ts';

const NOTE = 'mlflow.note.content';

export function Note({ run }: { run: Run }) {
  const note = run.tags.get(NOTE) ?? '';
  const [draft, setDraft] = useState<string | undefined>();
  const change = useTagChange(run);
  const save = (text: string) => {
    const value = text.trim() === '' ? undefined : text;
    if (value === undefined && note === '') return setDraft(undefined);
    change.mutate({ key: NOTE, value }, { onSuccess: () => setDraft(undefined) });
  };
  return (
    <section className="card">
      <div className="card-head">
        <h2>Note</h2>
        {draft === undefined && !run.deleted && (
          <button type="button" className="link" onClick={() => setDraft(note)}>
            {note === '' ? 'Add a note' : 'Edit note'}
          </button>
        )}
      </div>
      {draft === undefined ? (
        note === '' ? (
          <p className="faint">Nothing noted.</p>
        ) : (
          <Markdown text={note} />
        )
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save(draft);
          }}
        >
          <textarea
            aria-label="Note, in Markdown"
            // biome-ignore lint/a11y/noAutofocus: the button that opened the editor was pressed for this
            autoFocus
            rows={8}
            maxLength={8000}
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
          />
          {change.isError && (
            <p className="field-error" role="alert">
              {explain(change.error)}
            </p>
          )}
          <div className="actions end">
            <button type="button" className="button" onClick={() => setDraft(undefined)}>
              Cancel
            </button>
            <button type="submit" className="button primary" disabled={change.isPending}>
              Save note
            </button>
          </div>
        </form>
      )}
    </section>
  );
}
