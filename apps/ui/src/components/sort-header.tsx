import type { ReactNode } from 'react';
import { nextSort } from '../app/url.ts';

interface Props {
  column: string;
  sort: string;
  first?: 'asc' | 'desc';
  className?: string | undefined;
  title?: string | undefined;
  onSort: (sort: string) => void;
  children: ReactNode;
}

export function SortHeader({ column, sort, first = 'desc', className, title, onSort, children }: Props) {
  const direction = sort === column ? 'ascending' : sort === `-${column}` ? 'descending' : undefined;
  return (
    <th scope="col" className={className} aria-sort={direction}>
      <button type="button" className="sort" title={title} onClick={() => onSort(nextSort(sort, column, first))}>
        <span className="sort-label">{children}</span>
        <span aria-hidden="true" className="sort-arrow">
          {direction === 'ascending' ? '↑' : direction === 'descending' ? '↓' : ''}
        </span>
      </button>
    </th>
  );
}
