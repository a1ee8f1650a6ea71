import { type ReactNode, useState } from 'react';
import type { Metric } from '../api/run.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { RelativeTime } from '../components/time.tsx';
import { formatNumber } from '../format/number.ts';
import { byName } from '../format/order.ts';

/** Below this, reading is faster than searching. */
const SEARCH_FROM = 12;

export function MetricTable({ metrics }: { metrics: ReadonlyMap<string, Metric> }) {
  return (
    <KeyedTable title="Metrics" entries={metrics} head={['Metric', 'Latest', 'Step', 'Logged']} numeric={[1, 2]}>
      {(key, { value, step, timestamp }) => (
        <tr key={key}>
          <th scope="row">{key}</th>
          <td className="number with-copy">
            <CopyButton text={String(value)} label={`Copy the value of ${key}`} />{' '}
            <span title={String(value)}>{formatNumber(value)}</span>
          </td>
          <td className="number">{step}</td>
          <td>
            <RelativeTime time={timestamp || undefined} />
          </td>
        </tr>
      )}
    </KeyedTable>
  );
}

export function ParamTable({ params }: { params: ReadonlyMap<string, string> }) {
  return (
    <KeyedTable title="Params" entries={params} head={['Param', 'Value']} numeric={[]}>
      {(key, value) => (
        <tr key={key}>
          <th scope="row">{key}</th>
          <td className="with-copy wrap">
            {value} <CopyButton text={value} label={`Copy the value of ${key}`} />
          </td>
        </tr>
      )}
    </KeyedTable>
  );
}

interface Props<Value> {
  title: string;
  entries: ReadonlyMap<string, Value>;
  head: readonly string[];
  numeric: readonly number[];
  children: (key: string, value: Value) => ReactNode;
}

function KeyedTable<Value>({ title, entries, head, numeric, children }: Props<Value>) {
  const [find, setFind] = useState('');
  const wanted = find.trim().toLowerCase();
  const sorted = [...entries].filter(([key]) => key.toLowerCase().includes(wanted)).sort(([a], [b]) => byName(a, b));
  return (
    <section className="card">
      <div className="card-head">
        <h2>
          {title} <span className="faint">{entries.size}</span>
        </h2>
        {entries.size >= SEARCH_FROM && (
          <input
            type="search"
            aria-label={`Find in ${title.toLowerCase()}`}
            placeholder="Find"
            value={find}
            onChange={(event) => setFind(event.target.value)}
          />
        )}
      </div>
      {entries.size === 0 ? (
        <p className="faint">None logged.</p>
      ) : (
        <table className="grid fill">
          <caption className="visually-hidden">{title}</caption>
          <thead>
            <tr>
              {head.map((name, i) => (
                <th key={name} scope="col" className={numeric.includes(i) ? 'number' : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{sorted.map(([key, value]) => children(key, value))}</tbody>
        </table>
      )}
    </section>
  );
}
