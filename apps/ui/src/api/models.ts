import { queryOptions } from '@tanstack/react-query';
import { get } from './request.ts';
import type { WireLoggedModel } from './wire.ts';

export function modelQuery(id: string) {
  return queryOptions({
    queryKey: ['model', id],
    queryFn: async ({ signal }) =>
      (await get<{ model: WireLoggedModel }>(`logged-models/${encodeURIComponent(id)}`, {}, signal)).model,
  });
}

/** `LOGGED_MODEL_UPLOAD_FAILED` as words. */
export function modelStatus(status: string | undefined): string {
  return (status ?? '')
    .replace(/^LOGGED_MODEL_/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
}
