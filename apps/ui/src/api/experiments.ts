import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { likePattern } from './filter.ts';
import { get, post } from './request.ts';
import type { WireExperiment } from './wire.ts';

export interface ExperimentQuery {
  name: string;
  deleted: boolean;
  orderBy: string;
}

interface ExperimentPage {
  experiments?: WireExperiment[];
  next_page_token?: string;
}

const PAGE = 100;

export function experimentsQuery({ name, deleted, orderBy }: ExperimentQuery) {
  const search = {
    max_results: PAGE,
    view_type: deleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY',
    order_by: [orderBy],
    ...(name === '' ? {} : { filter: `name ILIKE ${likePattern(name)}` }),
  };
  return infiniteQueryOptions({
    queryKey: ['experiments', search],
    queryFn: ({ pageParam, signal }) =>
      post<ExperimentPage>(
        'experiments/search',
        { ...search, ...(pageParam === '' ? {} : { page_token: pageParam }) },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page_token || undefined,
    placeholderData: (previous) => previous,
    refetchInterval: 15_000,
  });
}

export function experimentQuery(id: string) {
  return queryOptions({
    queryKey: ['experiment', id],
    queryFn: async ({ signal }) => {
      const answer = await get<{ experiment: WireExperiment }>('experiments/get', { experiment_id: id }, signal);
      return answer.experiment;
    },
  });
}

export async function createExperiment(name: string): Promise<string> {
  const { experiment_id } = await post<{ experiment_id: string }>('experiments/create', { name });
  return experiment_id;
}

export const renameExperiment = (id: string, name: string) =>
  post('experiments/update', { experiment_id: id, new_name: name });

export const deleteExperiment = (id: string) => post('experiments/delete', { experiment_id: id });

export const restoreExperiment = (id: string) => post('experiments/restore', { experiment_id: id });
