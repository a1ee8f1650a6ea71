export { readConfig, type ServerConfig, type ServerOptions } from './config.ts';
export { type RunningServer, startServer } from './server.ts';
