export { decodeRequest, type RequestInput } from './codec.ts';
export { type Check, contract, type EachCheck, type Kind, type LimitCheck, type TypeCheck } from './contract.ts';
export { encodeResponse, MAX_JSON_DEPTH, parseJsonBody } from './json.ts';
export { type EnumType, enums, type Field, type Message, messageNamed, messages } from './message.ts';
export type * from './messages.generated.ts';
export type { Permission, Policy, Privilege, Securable } from './mlflow/permissions.ts';
export { type OpenApiOptions, openApiDocument } from './openapi.ts';
export {
  type Endpoint,
  type Method,
  type Operation,
  operation,
  operations,
  type Route,
  routesOf,
} from './operation.ts';
