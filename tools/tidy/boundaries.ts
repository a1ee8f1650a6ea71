import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import { root } from '../testkit/paths.ts';

/** The arrows of docs/ARCHITECTURE.md: each package and the ones that it may import. */
export const arrows: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/wire': ['packages/core'],
  'packages/db': ['packages/core'],
  'packages/objects': ['packages/core'],
  'packages/http': ['packages/core', 'packages/wire'],
  'packages/tracking': ['packages/core', 'packages/wire', 'packages/db', 'packages/http', 'packages/objects'],
  'apps/server': [
    'packages/core',
    'packages/wire',
    'packages/db',
    'packages/http',
    'packages/objects',
    'packages/tracking',
  ],
  'apps/cli': ['packages/core', 'packages/db', 'packages/objects', 'packages/tracking', 'apps/server'],
  'apps/ui': [],
};

/** Packages whose code also runs in a browser. */
const IN_BROWSERS = '^packages/(core|wire)/src/';

const TEST = '(\\.test\\.ts$|/test/)';
const ANY_PACKAGE = '^(packages|apps)/[^/]+/';

const arrowRules: IForbiddenRuleType[] = Object.entries(arrows).map(([name, allowed]) => ({
  name: `arrows of ${name}`,
  comment: `${name} may import ${allowed.length === 0 ? 'no package' : allowed.join(', ')}.`,
  severity: 'error',
  from: { path: `^${name}/`, pathNot: TEST },
  to: { path: ANY_PACKAGE, pathNot: [name, ...allowed].map((target) => `^${target}/`) },
}));

/** What a file of this suffix must not import: patterns of files. */
const layers: Readonly<Record<string, string>> = {
  store: '\\.(service|routes|queries)\\.ts$|^packages/(wire|http)/',
  queries: '\\.(service|routes)\\.ts$|^packages/http/',
  service: '\\.routes\\.ts$|^packages/http/',
  routes: '\\.store\\.ts$',
};

const layerRules: IForbiddenRuleType[] = Object.entries(layers).map(([suffix, path]) => ({
  name: `layer of *.${suffix}.ts`,
  comment: 'Layers are file suffixes: wire in routes, use cases in services, SQL in stores.',
  severity: 'error',
  from: { path: `\\.${suffix}\\.ts$` },
  to: { path },
}));

/** Files that package.json exports beside the index, such as generators for the tests of other packages. */
function furtherEntries(): string[] {
  return Object.keys(arrows).flatMap((folder) => {
    const { exports = {} } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
    return Object.values(exports).map((file) => `^${join(folder, file)}$`);
  });
}

interface Manifest {
  readonly exports?: Readonly<Record<string, string>>;
}

export const rules: IForbiddenRuleType[] = [
  ...arrowRules,
  ...layerRules,
  {
    name: 'a package is entered by what it exports',
    severity: 'error',
    from: { path: '^([^/]+/[^/]+)' },
    to: { path: ANY_PACKAGE, pathNot: ['^$1/', '/src/index\\.ts$', ...furtherEntries()] },
  },
  {
    name: 'products do not import tools',
    comment: 'Tests may use the test kit.',
    severity: 'error',
    from: { path: ANY_PACKAGE, pathNot: TEST },
    to: { path: '^(tools|acceptance)/' },
  },
  {
    name: 'runs in a browser',
    severity: 'error',
    from: { path: IN_BROWSERS, pathNot: TEST },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'no cycles',
    comment: 'Types may refer to each other; modules that run may not.',
    severity: 'error',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  { name: 'every import resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
];

/** Reads all modules below `baseDir` and what they import, types included. */
export async function readModules(baseDir: string, folders: string[]): Promise<ICruiseResult> {
  const { output } = await cruise(folders, {
    baseDir,
    ruleSet: { forbidden: rules },
    validate: true,
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  });
  if (typeof output === 'string') throw new Error(output);
  return output;
}
