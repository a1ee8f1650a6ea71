import type { Handlers } from '@millrace/http';
import type { GraphQLEngine } from './engine.ts';

/** `/graphql`, over the handlers of the REST API; its library is loaded when it is first asked for. */
export function graphqlHandlers(handlers: Handlers): Handlers {
  let engine: Promise<GraphQLEngine> | undefined;
  return {
    'Core.graphql': async (_request, { http }) => {
      engine ??= import('./engine.ts').then((module) => new module.GraphQLEngine(handlers));
      return (await engine).answer(http);
    },
  };
}
