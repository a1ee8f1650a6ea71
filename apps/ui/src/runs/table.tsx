import { Link } from '@tanstack/react-router';
import { memo, useCallback, useMemo } from 'react';
import type { Run } from '../api/run.ts';
import { seriesColor } from '../charts/colors.ts';
import { Icon } from '../components/icon.tsx';
import { SortHeader } from '../components/sort-header.tsx';
import { Status } from '../components/status.tsx';
import { Duration, RelativeTime } from '../components/time.tsx';
import { formatNumber, shortenDecimal } from '../format/number.ts';
import { columnKey, columnKind, isNumeric, textCell } from './columns.ts';
import type { Row } from './tree.ts';

interface Props {
  rows: readonly Row[];
  columns: readonly string[];
  sort: string;
  onSort: (sort: string) => void;
  selected: ReadonlySet<string>;
  onSelect: (update: (now: ReadonlySet<string>) => ReadonlySet<string>) => void;
  collapsed: ReadonlySet<string>;
  onCollapse: (update: (now: ReadonlySet<string>) => ReadonlySet<string>) => void;
  charted: readonly Run[];
  stale: boolean;
}

interface Column {
  id: string;
  numeric: boolean;
}

export function RunTable(props: Props) {
  const { rows, sort, onSort, selected, onSelect, collapsed, onCollapse, charted, stale } = props;
  const header = { sort, onSort };
  const columnIds = props.columns.join(',');
  const columns = useMemo(() => {
    const runs = rows.map((row) => row.run);
    return columnIds
      .split(',')
      .filter((id) => id !== '')
      .map((id): Column => ({ id, numeric: isNumeric(runs, id) }));
  }, [rows, columnIds]);
  const select = useCallback((id: string) => onSelect((now) => toggled(now, id)), [onSelect]);
  const collapse = useCallback((id: string) => onCollapse((now) => toggled(now, id)), [onCollapse]);
  const all = rows.length > 0 && rows.every((row) => selected.has(row.run.id));
  return (
    <div className={stale ? 'table-frame stale' : 'table-frame'}>
      <table className="grid runs">
        <caption className="visually-hidden">Runs</caption>
        <thead>
          <GroupRow columns={columns} />
          <tr>
            <th scope="col" className="select">
              <input
                type="checkbox"
                aria-label="Select all loaded runs"
                checked={all}
                onChange={() => onSelect(() => new Set(all ? [] : rows.map((row) => row.run.id)))}
              />
            </th>
            <SortHeader {...header} column="run_name" first="asc" className="name">
              Run
            </SortHeader>
            <SortHeader {...header} column="status" first="asc">
              Status
            </SortHeader>
            <SortHeader {...header} column="start_time">
              Started
            </SortHeader>
            <th scope="col">Duration</th>
            {columns.map(({ id, numeric }) => (
              <SortHeader
                key={id}
                {...header}
                column={id}
                className={numeric ? 'number' : undefined}
                first={columnKind(id) === 'metrics' ? 'desc' : 'asc'}
                title={columnKey(id)}
              >
                {columnKey(id)}
              </SortHeader>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ run, depth, hasChildren }) => (
            <RunRow
              key={run.id}
              run={run}
              depth={depth}
              hasChildren={hasChildren}
              columns={columns}
              selected={selected.has(run.id)}
              collapsed={collapsed.has(run.id)}
              chartIndex={charted.indexOf(run)}
              onSelect={select}
              onCollapse={collapse}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Says once, above the names, which are metrics and which params. */
function GroupRow({ columns }: { columns: readonly Column[] }) {
  const groups = Map.groupBy(columns, (column) => columnKind(column.id));
  const ordered = columns.every((column, i) => i === 0 || kindOrder(columns[i - 1], column));
  if (columns.length === 0 || !ordered) return null;
  return (
    <tr className="groups">
      <td colSpan={5} />
      {[...groups].map(([kind, members]) => (
        <th key={kind} scope="colgroup" colSpan={members.length}>
          {kind}
        </th>
      ))}
    </tr>
  );
}

function kindOrder(before: Column | undefined, column: Column): boolean {
  const rank = { metrics: 0, params: 1, tags: 2 };
  return before === undefined || rank[columnKind(before.id)] <= rank[columnKind(column.id)];
}

interface RowProps {
  run: Run;
  depth: number;
  hasChildren: boolean;
  columns: readonly Column[];
  selected: boolean;
  collapsed: boolean;
  chartIndex: number;
  onSelect: (id: string) => void;
  onCollapse: (id: string) => void;
}

const RunRow = memo(function RunRow(props: RowProps) {
  const { run, depth, hasChildren, columns, selected, collapsed, chartIndex, onSelect, onCollapse } = props;
  return (
    <tr className={selected ? 'selected' : undefined}>
      <td className="select">
        <input type="checkbox" aria-label={`Select ${run.name}`} checked={selected} onChange={() => onSelect(run.id)} />
      </td>
      <th scope="row" className="name">
        <div className="name-cell" style={{ paddingInlineStart: `${depth * 28}px` }}>
          {hasChildren && (
            <button
              type="button"
              className="icon-button"
              aria-expanded={!collapsed}
              aria-label={`Children of ${run.name}`}
              onClick={() => onCollapse(run.id)}
            >
              <Icon name={collapsed ? 'right' : 'down'} />
            </button>
          )}
          {chartIndex >= 0 && (
            <span className="dot" aria-hidden="true" style={{ background: `var(${seriesColor(chartIndex)})` }} />
          )}
          <Link
            to="/experiments/$experimentId/runs/$runId"
            params={{ experimentId: run.experimentId, runId: run.id }}
            title={run.name}
          >
            {run.name}
          </Link>
        </div>
      </th>
      <td>
        <Status status={run.status} />
      </td>
      <td>
        <RelativeTime time={run.startTime} />
      </td>
      <td>
        <Duration start={run.startTime} end={run.endTime} running={run.status === 'RUNNING'} />
      </td>
      {columns.map(({ id, numeric }) => (
        <Cell key={id} run={run} column={id} numeric={numeric} />
      ))}
    </tr>
  );
});

function Cell({ run, column, numeric }: { run: Run; column: string; numeric: boolean }) {
  const className = numeric ? 'number' : undefined;
  if (columnKind(column) === 'metrics') {
    const value = run.metrics.get(columnKey(column))?.value;
    if (value === undefined) return <td className={className} />;
    return (
      <td className={className} title={String(value)}>
        {formatNumber(value)}
      </td>
    );
  }
  const text = textCell(run, column);
  return (
    <td className={className} title={text}>
      {text !== undefined && shortenDecimal(text)}
    </td>
  );
}

function toggled(set: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(id)) next.add(id);
  return next;
}
