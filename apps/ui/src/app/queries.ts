import { QueryClient } from '@tanstack/react-query';
import { ApiError } from '../api/request.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    // The server may well run on this machine: being offline says nothing about it.
    queries: {
      networkMode: 'always',
      staleTime: 2000,
      retry: (failures, error) => !(error instanceof ApiError) && failures < 1,
      retryDelay: 500,
    },
    mutations: { networkMode: 'always', retry: false },
  },
});
