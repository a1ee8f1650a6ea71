import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { ids, invalid, PAGE_SIZES } from '@millrace/core';
import { type Handlers, Json } from '@millrace/http';
import type { TrackingDeps } from '../deps.ts';
import { type RecordsPosition, readRecord, type SentRecord } from './dataset-record.ts';
import { type SchemaNews, SchemaSurvey } from './dataset-schema.ts';
import {
  addDatasetToExperiments,
  createEvaluationDataset,
  deleteDatasetRecords,
  deleteEvaluationDataset,
  deleteEvaluationDatasetTag,
  getDatasetExperimentIds,
  getDatasetRecords,
  getEvaluationDataset,
  getMoreDatasetRecords,
  type RecordsPage,
  recordsToken,
  removeDatasetFromExperiments,
  setEvaluationDatasetTags,
  upsertDatasetRecords,
} from './evaluation-dataset.commands.ts';
import { checkDatasetName, checkUser, datasetTags, USER_TAG } from './evaluation-dataset.ts';
import { readEvaluationDatasets, searchEvaluationDatasets } from './evaluation-dataset-search.commands.ts';
import { pythonJsonItems } from './python-json.ts';

const EMPTY = new Json('{}');

/** Records that one request may bring; its body is bounded too. */
const MAX_RECORDS = 100_000;
/** Records that are read before other requests get their turn. */
const READ_AT_ONCE = 200;

export function evaluationDatasetHandlers({ db, clock }: Pick<TrackingDeps, 'db' | 'clock'>): Handlers {
  const dataset = (doc: string) => new Json(`{"dataset":${doc}}`);

  return {
    'MlflowService.createDataset': async ({ name, tags: json = '', experiment_ids: experimentIds }) => {
      checkDatasetName(name);
      const tags = json === '' || json.trim() === 'null' ? [] : datasetTags(json);
      const user = tags.find(({ key }) => key === USER_TAG)?.value ?? null;
      if (user !== null) checkUser(`tags['${USER_TAG}']`, user);
      const input = { datasetId: ids.evaluationDataset(), name, tags, user, experimentIds, now: clock.now() };
      return dataset(await db.write(createEvaluationDataset, input));
    },
    'MlflowService.getDataset': async ({ dataset_id }) => dataset(await db.read(getEvaluationDataset, dataset_id)),
    'MlflowService.deleteDataset': async ({ dataset_id }) => {
      await db.write(deleteEvaluationDataset, dataset_id);
      return EMPTY;
    },
    'MlflowService.searchEvaluationDatasets': async (request) => {
      const found = await db.search(searchEvaluationDatasets, {
        experimentIds: request.experiment_ids,
        filter: request.filter_string ?? '',
        maxResults: request.max_results,
        orderBy: request.order_by,
        pageToken: request.page_token ?? '',
      });
      if (found.ids.length === 0) return EMPTY;
      const { ids: foundIds, first, token } = found;
      const more = (start: number) => db.search(readEvaluationDatasets, { ids: foundIds, start });
      return joined('{"datasets":[', first, more, () => (token === null ? ']}' : `],"next_page_token":"${token}"}`));
    },
    'MlflowService.setDatasetTags': async ({ dataset_id, tags }) => {
      await db.write(setEvaluationDatasetTags, { datasetId: dataset_id, tags: datasetTags(tags) });
      return EMPTY;
    },
    'MlflowService.deleteDatasetTag': async ({ dataset_id, key }) => {
      await db.write(deleteEvaluationDatasetTag, { datasetId: dataset_id, key });
      return EMPTY;
    },
    'MlflowService.upsertDatasetRecords': async ({ dataset_id, records }) => {
      const input = { datasetId: dataset_id, ...(await readRecords(records)), now: clock.now() };
      const { inserted, updated } = await db.write(upsertDatasetRecords, input);
      return { inserted_count: inserted, updated_count: updated };
    },
    'MlflowService.getDatasetRecords': async ({ dataset_id: datasetId, max_results, page_token }) => {
      const page = await db.search(getDatasetRecords, {
        datasetId,
        maxResults: max_results === 0 ? PAGE_SIZES.dataset_record.standard : max_results,
        pageToken: page_token ?? '',
      });
      if (page === null) return { records: '[]' };
      const more = (position: RecordsPosition) =>
        db.search(getMoreDatasetRecords, { dataset: page.dataset, datasetId, position });
      const end = ({ last }: RecordsPage) =>
        last === null ? ']"}' : `]","next_page_token":"${recordsToken(datasetId, last)}"}`;
      return joined('{"records":"[', page, more, end);
    },
    'MlflowService.deleteDatasetRecords': async ({ dataset_id, dataset_record_ids }) => {
      const input = { datasetId: dataset_id, recordIds: dataset_record_ids };
      return { deleted_count: await db.write(deleteDatasetRecords, input) };
    },
    'MlflowService.getDatasetExperimentIds': async ({ dataset_id }) => {
      const experimentIds = await db.read(getDatasetExperimentIds, dataset_id);
      return experimentIds.length === 0 ? EMPTY : { experiment_ids: experimentIds };
    },
    'MlflowService.addDatasetToExperiments': async ({ dataset_id, experiment_ids }) => {
      const input = { datasetId: dataset_id, experimentIds: experiment_ids, now: clock.now() };
      return dataset(await db.write(addDatasetToExperiments, input));
    },
    'MlflowService.removeDatasetFromExperiments': async ({ dataset_id, experiment_ids }) => {
      const input = { datasetId: dataset_id, experimentIds: experiment_ids, now: clock.now() };
      return dataset(await db.write(removeDatasetFromExperiments, input));
    },
  };
}

/** The records that a request brings, read in turns with other requests. */
async function readRecords(json: string): Promise<{ records: SentRecord[]; schema: SchemaNews; user: string | null }> {
  const records: SentRecord[] = [];
  const survey = new SchemaSurvey();
  let user: string | null = null;
  for (const item of pythonJsonItems('records', json)) {
    if (records.length === MAX_RECORDS) {
      throw invalid(`'records' has more than ${MAX_RECORDS} records; send them in several requests.`);
    }
    const record = readRecord(`records[${records.length}]`, item);
    survey.add(item);
    records.push(record);
    if (record.user !== undefined) user = record.user;
    if (records.length % READ_AT_ONCE === 0) await setImmediate();
  }
  return { records, schema: survey.news, user };
}

interface Piece<Position> {
  readonly text: string;
  readonly next: Position | null;
}

/** A list in one go where it is one piece, and else piece by piece with commas in between. */
function joined<Position, P extends Piece<Position>>(
  start: string,
  first: P & Piece<Position>,
  more: (position: Position) => Promise<P>,
  end: (last: P) => string,
): Json | Readable {
  if (first.next === null) return new Json(start + first.text + end(first));
  async function* pieces() {
    let piece: P = first;
    let separator = piece.text === '' ? '' : ',';
    yield start + piece.text;
    while (piece.next !== null) {
      piece = await more(piece.next);
      // A piece is empty where all that it would hold was deleted meanwhile.
      if (piece.text === '') continue;
      yield separator + piece.text;
      separator = ',';
    }
    yield end(piece);
  }
  return Readable.from(pieces(), { objectMode: false, encoding: 'utf8' });
}
