import { type FormEvent, useEffect, useId, useRef, useState } from 'react';

interface Props {
  value: string;
  error: string | undefined;
  onChange: (filter: string) => void;
}

/** MLflow's filter language, applied on Enter. What the server says against it stands right below. `/` leads here. */
export function FilterBox({ value, error, onChange }: Props) {
  const [text, setText] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const errorId = useId();
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    const focusOnSlash = (event: KeyboardEvent) => {
      if (event.key !== '/' || isTyping(event.target)) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', focusOnSlash);
    return () => document.removeEventListener('keydown', focusOnSlash);
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onChange(text.trim());
  };
  return (
    <search className="filter">
      <form onSubmit={submit}>
        <input
          ref={input}
          type="search"
          aria-label="Filter runs"
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : errorId}
          placeholder="metrics.val_loss < 0.3 and params.optimizer = 'adam'"
          spellCheck={false}
          autoComplete="off"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            if (event.target.value === '' && value !== '') onChange('');
          }}
        />
        {error !== undefined && (
          <p id={errorId} className="field-error" role="alert">
            {error}
          </p>
        )}
      </form>
    </search>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}
