import { Link } from '@tanstack/react-router';
import type { WireExperiment } from '../api/wire.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Markdown } from '../components/markdown-view.tsx';
import { RelativeTime } from '../components/time.tsx';
import { ExperimentActions } from '../experiments/actions.tsx';

export function ExperimentHead({ experiment }: { experiment: WireExperiment | undefined }) {
  const note = experiment?.tags?.find((tag) => tag.key === 'mlflow.note.content')?.value;
  return (
    <header>
      <nav aria-label="Breadcrumb" className="breadcrumb">
        <Link to="/experiments">Experiments</Link>
      </nav>
      <div className="page-head">
        <h1>{experiment?.name ?? ' '}</h1>
        {experiment && <ExperimentActions experiment={experiment} />}
      </div>
      {experiment && (
        <p className="facts">
          <span>
            ID {experiment.experiment_id} <CopyButton text={experiment.experiment_id} label="Copy experiment ID" />
          </span>
          <span>
            created <RelativeTime time={experiment.creation_time} />
          </span>
          {experiment.lifecycle_stage === 'deleted' && <span className="status killed">Deleted</span>}
        </p>
      )}
      {note !== undefined && <Markdown text={note} />}
    </header>
  );
}
