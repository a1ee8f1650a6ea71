import type { Run } from '../api/run.ts';
import { MetricTable, ParamTable } from './key-values.tsx';
import { Note } from './note.tsx';
import { Children, Datasets, Models } from './related.tsx';
import { Tags } from './tags.tsx';

export function Overview({ run }: { run: Run }) {
  return (
    <div className="columns">
      <div className="column">
        <MetricTable metrics={run.metrics} />
        <ParamTable params={run.params} />
      </div>
      <div className="column">
        <Note run={run} />
        <Tags run={run} />
        <Models title="Models made" ids={run.modelsMade} experimentId={run.experimentId} />
        <Models title="Models used" ids={run.modelsRead} experimentId={run.experimentId} />
        <Datasets datasets={run.datasets} />
        <Children run={run} />
      </div>
    </div>
  );
}
