import { Link } from '@tanstack/react-router';
import type { WireExperiment } from '../api/wire.ts';
import { SortHeader } from '../components/sort-header.tsx';
import { RelativeTime } from '../components/time.tsx';
import { ExperimentActions } from './actions.tsx';

interface Props {
  experiments: readonly WireExperiment[];
  deleted: boolean;
  sort: string;
  onSort: (sort: string) => void;
}

export function ExperimentTable({ experiments, deleted, sort, onSort }: Props) {
  const header = { sort, onSort };
  return (
    <div className="table-frame">
      <table className="grid fill">
        <caption className="visually-hidden">{deleted ? 'Deleted experiments' : 'Experiments'}</caption>
        <thead>
          <tr>
            <SortHeader {...header} column="name" first="asc">
              Name
            </SortHeader>
            <th scope="col">Note</th>
            <th scope="col" className="number">
              ID
            </th>
            <SortHeader {...header} column="creation_time">
              Created
            </SortHeader>
            <SortHeader {...header} column="last_update_time">
              Updated
            </SortHeader>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {experiments.map((experiment) => (
            <tr key={experiment.experiment_id}>
              <th scope="row" className="name">
                <Link to="/experiments/$experimentId" params={{ experimentId: experiment.experiment_id }}>
                  {experiment.name}
                </Link>
              </th>
              <td className="note-line">{noteLine(experiment)}</td>
              <td className="number faint">{experiment.experiment_id}</td>
              <td>
                <RelativeTime time={experiment.creation_time} />
              </td>
              <td>
                <RelativeTime time={experiment.last_update_time} />
              </td>
              <td className="row-actions">
                <ExperimentActions experiment={experiment} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function noteLine(experiment: WireExperiment): string {
  const note = experiment.tags?.find((tag) => tag.key === 'mlflow.note.content')?.value ?? '';
  return (note.split('\n', 1)[0] ?? '').replace(/[#*`]/g, '').trim();
}
