export { answers, type ChildServer, type ChildServerOptions, startChildServer } from './child-server.ts';
export { findChromium, launchChromium } from './chromium.ts';
export { dialects, type TestDatabase, type TestDialect } from './dialects.ts';
export { freePort } from './free-port.ts';
export { type MlflowServer, type MlflowServerOptions, startMlflowServer } from './mlflow-server.ts';
export { devDir, type MlflowEnvironment, mlflowVersions, root, venvBin, venvDir } from './paths.ts';
export {
  type Cluster,
  type ClusterOptions,
  type Databases,
  databasesAt,
  findPostgres,
  startPostgres,
} from './postgres.ts';
export { postgresMissing, sharedPostgres } from './postgres-broker.ts';
export { type ServerOptions, startServer, type TestServer } from './server.ts';
export { tempDir } from './temp-dir.ts';
