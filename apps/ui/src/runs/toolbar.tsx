import { LifecycleToggle } from '../components/lifecycle-toggle.tsx';
import { ColumnPicker } from './column-picker.tsx';
import type { Catalog } from './columns.ts';
import { FilterBox } from './filter-box.tsx';

export type RunsSearch = Partial<Record<'filter' | 'sort' | 'view' | 'cols' | 'charts', string | undefined>>;

interface Props {
  search: RunsSearch;
  refusal: string | undefined;
  catalog: Catalog;
  columns: readonly string[];
  onChange: (part: RunsSearch) => void;
}

/** What decides which runs are listed, and how. */
export function RunsToolbar({ search, refusal, catalog, columns, onChange }: Props) {
  const charts = search.charts === '1';
  return (
    <div className="toolbar">
      <FilterBox value={search.filter ?? ''} error={refusal} onChange={(filter) => onChange({ filter })} />
      <LifecycleToggle deleted={search.view === 'deleted'} onChange={(view) => onChange({ view })} />
      <button
        type="button"
        className="button"
        aria-pressed={charts}
        onClick={() => onChange({ charts: charts ? '' : '1' })}
      >
        Charts
      </button>
      <ColumnPicker
        catalog={catalog}
        columns={columns}
        automatic={search.cols === undefined}
        onChange={(next) => onChange({ cols: next.join(',') })}
      />
    </div>
  );
}
