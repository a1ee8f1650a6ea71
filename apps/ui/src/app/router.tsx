import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { ExperimentsPage } from '../experiments/page.tsx';
import { RunsPage } from '../runs/page.tsx';
import { CrashPage, NotFoundPage } from './fallbacks.tsx';
import { Shell } from './shell.tsx';
import { parseSearch, searchOf, stringifySearch } from './url.ts';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage });

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/experiments', replace: true });
  },
});

const experiments = createRoute({
  getParentRoute: () => root,
  path: '/experiments',
  validateSearch: searchOf('name', 'view', 'sort'),
  component: ExperimentsPage,
});

const runs = createRoute({
  getParentRoute: () => root,
  path: '/experiments/$experimentId',
  validateSearch: searchOf('filter', 'sort', 'view', 'cols', 'charts'),
  component: RunsPage,
});

const run = createRoute({
  getParentRoute: () => root,
  path: '/experiments/$experimentId/runs/$runId',
  validateSearch: searchOf('tab', 'path', 'x', 'scale', 'find'),
  component: lazyRouteComponent(() => import('../run/page.tsx'), 'RunPage'),
});

const model = createRoute({
  getParentRoute: () => root,
  path: '/experiments/$experimentId/models/$modelId',
  validateSearch: searchOf('path'),
  component: lazyRouteComponent(() => import('../models/page.tsx'), 'ModelPage'),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: '/compare',
  validateSearch: searchOf('runs', 'show'),
  component: lazyRouteComponent(() => import('../compare/page.tsx'), 'ComparePage'),
});

/** Paths in the fragment: they are the ones that MLflow's clients print, and they work below any prefix. */
export const router = createRouter({
  routeTree: root.addChildren([home, experiments, runs, run, model, compare]),
  history: createHashHistory(),
  parseSearch,
  stringifySearch,
  defaultErrorComponent: CrashPage,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
