export { type AppOptions, createApp } from './app.ts';
export { type ErrorBody, JSON_BODY_LIMIT, sendError } from './errors.ts';
export {
  type CallContext,
  type Handler,
  type Handlers,
  Json,
  mountOperations,
  mountRaw,
  type OperationId,
  type RawCall,
  type RawHandlers,
} from './operations.ts';
export { type SecurityOptions, securityCheck } from './security.ts';
export { receiveInto, type SentFile, sendArtifact } from './transfer.ts';
