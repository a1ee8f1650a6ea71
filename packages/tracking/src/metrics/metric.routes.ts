import { Readable } from 'node:stream';
import {
  decodePageToken,
  encodePageToken,
  invalid,
  MAX_METRIC_HISTORY_BULK_RESULTS,
  MAX_METRIC_HISTORY_BULK_RUNS,
  MAX_METRIC_INTERVAL_RESULTS,
} from '@millrace/core';
import type { Database } from '@millrace/db';
import { type Handlers, Json } from '@millrace/http';
import type { TrackingDeps } from '../deps.ts';
import {
  checkStepRange,
  type HistoryPosition,
  historyPosition,
  readHistoryPage,
  sampleHistory,
} from './history.commands.ts';

/** Points read at once where a history is asked for whole. */
const CHUNK = 25_000;

export function metricHandlers({ db }: TrackingDeps): Handlers {
  return {
    'MlflowService.getMetricHistory': async (request) => {
      const runUuid = request.run_id || request.run_uuid || '';
      const { metric_key: key, max_results: limit, page_token: token } = request;
      if (limit !== undefined && limit < 1) {
        throw invalid(`Invalid value ${limit} for parameter 'max_results' supplied. It must be a positive integer.`);
      }
      const binding = ['metric-history', runUuid, key] as const;
      const after = token ? historyPosition(decodePageToken(token, binding)) : null;
      if (limit === undefined || limit > CHUNK) return wholeHistory(db, runUuid, key, after, limit, binding);
      const { text, next } = await db.search(readHistoryPage, { runUuid, key, after, limit });
      return new Json(historyStart(text) + historyEnd(next === null ? null : encodePageToken(next, binding)));
    },
    'MlflowService.getMetricHistoryBulkInterval': async (request) => {
      const { run_ids: runUuids, metric_key: key, start_step: start, end_step: end } = request;
      checkRuns('GetMetricHistoryBulkInterval', runUuids);
      checkStepRange(start, end);
      const wanted = request.max_results ?? MAX_METRIC_INTERVAL_RESULTS;
      const startStep = start ?? null;
      const text = await db.search(sampleHistory, { runUuids, key, wanted, startStep, endStep: end ?? null });
      return new Json(text === '' ? '{}' : `{"metrics":[${text}]}`);
    },
    'Runs.getMetricHistoryBulk': async (request) => {
      const { run_id: runUuids, metric_key: key } = request;
      checkRuns('GetMetricHistoryBulk', runUuids);
      if (!key) throw invalid('GetMetricHistoryBulk request must specify a metric_key.');
      let left = Math.min(Number(request.max_results ?? CHUNK), MAX_METRIC_HISTORY_BULK_RESULTS);
      const texts: string[] = [];
      for (const runUuid of [...new Set(runUuids)].sort()) {
        if (left <= 0) break;
        const tail = `,"run_id":${JSON.stringify(runUuid)}`;
        const page = await db.search(readHistoryPage, {
          runUuid,
          key,
          after: null,
          limit: left,
          tail,
          mayBeGone: true,
        });
        if (page.count > 0) texts.push(page.text);
        left -= page.count;
      }
      return new Json(`{"metrics":[${texts.join(',')}]}`);
    },
  };
}

function checkRuns(rpc: string, runUuids: readonly string[]): void {
  if (runUuids.length === 0) throw invalid(`${rpc} request must specify at least one run_id.`);
  if (runUuids.length > MAX_METRIC_HISTORY_BULK_RUNS) {
    throw invalid(
      `${rpc} request cannot specify more than ${MAX_METRIC_HISTORY_BULK_RUNS} run_ids. Received ${runUuids.length} run_ids.`,
    );
  }
}

const historyStart = (text: string) => (text === '' ? '{' : `{"metrics":[${text}]`);
const historyEnd = (token: string | null) => (token === null ? '}' : `,"next_page_token":"${token}"}`);

/** A history of any length, piece by piece: memory holds one piece. The first piece is read before anything is sent. */
async function wholeHistory(
  db: Database,
  runUuid: string,
  key: string,
  after: HistoryPosition | null,
  limit: number | undefined,
  binding: readonly string[],
): Promise<Json | Readable> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  const readNext = (position: HistoryPosition | null) =>
    db.search(readHistoryPage, { runUuid, key, after: position, limit: Math.min(CHUNK, left) });
  let page = await readNext(after);
  left -= page.count;
  if (page.next === null) return new Json(historyStart(page.text) + historyEnd(null));

  async function* pieces() {
    yield `{"metrics":[${page.text}`;
    while (page.next !== null && left > 0) {
      page = await readNext(page.next);
      left -= page.count;
      if (page.count > 0) yield `,${page.text}`;
    }
    yield `]${historyEnd(page.next === null ? null : encodePageToken(page.next, binding))}`;
  }
  return Readable.from(pieces(), { objectMode: false, encoding: 'utf8' });
}
