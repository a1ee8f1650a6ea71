import type { Clock, LocationPolicy } from '@millrace/core';
import type { Database } from '@millrace/db';
import type { ArtifactPlaces } from './artifacts/artifact-places.ts';
import type { RunDocs } from './runs/run-docs.ts';

/** What the tracking feature stands on; the server puts it together. */
export interface TrackingDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly docs: RunDocs;
  readonly places: ArtifactPlaces;
  /** Where experiments without a location of their own keep their artifacts. */
  readonly artifactRoot: string;
  /** Which folders and hosts a client may name as artifact location. */
  readonly locations: LocationPolicy;
  /** Long param and tag values are cut as MLflow does, or refused. */
  readonly truncateLongValues: boolean;
}
