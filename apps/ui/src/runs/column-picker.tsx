import { useState } from 'react';
import { type Catalog, columnKey } from './columns.ts';

interface Props {
  catalog: Catalog;
  columns: readonly string[];
  automatic: boolean;
  onChange: (columns: string[]) => void;
}

const KINDS = [
  { kind: 'metrics', title: 'Metrics' },
  { kind: 'params', title: 'Params' },
  { kind: 'tags', title: 'Tags' },
] as const;
/** Nobody reads more names than this; the search finds the rest. */
const MOST_LISTED = 200;

export function ColumnPicker({ catalog, columns, automatic, onChange }: Props) {
  const [find, setFind] = useState('');
  const toggle = (column: string) =>
    onChange(columns.includes(column) ? columns.filter((other) => other !== column) : [...columns, column]);
  return (
    <>
      <button type="button" className="button" popoverTarget="columns">
        Columns
      </button>
      <div id="columns" popover="auto" className="popover" role="dialog" aria-label="Columns">
        <div className="popover-head">
          <input
            type="search"
            aria-label="Find a column"
            placeholder="Find a column"
            value={find}
            onChange={(event) => setFind(event.target.value)}
          />
          <button type="button" className="button" disabled={automatic} onClick={() => onChange([])}>
            Automatic
          </button>
        </div>
        {KINDS.map(({ kind, title }) => {
          const keys = offered(catalog[kind], columns, kind, find);
          return (
            keys.length > 0 && (
              <fieldset key={kind}>
                <legend>{title}</legend>
                {keys.slice(0, MOST_LISTED).map((key) => (
                  <label key={key} className="check">
                    <input
                      type="checkbox"
                      checked={columns.includes(`${kind}.${key}`)}
                      onChange={() => toggle(`${kind}.${key}`)}
                    />
                    <span>{key}</span>
                  </label>
                ))}
                {keys.length > MOST_LISTED && <p className="faint">and {keys.length - MOST_LISTED} more: search</p>}
              </fieldset>
            )
          );
        })}
      </div>
    </>
  );
}

/** Chosen columns are offered even where no loaded run has them, so that they can be taken away. */
function offered(keys: readonly string[], columns: readonly string[], kind: string, find: string): string[] {
  const chosen = columns.filter((column) => column.startsWith(`${kind}.`)).map(columnKey);
  const wanted = find.trim().toLowerCase();
  return [...new Set([...chosen, ...keys])].filter((key) => key.toLowerCase().includes(wanted));
}
