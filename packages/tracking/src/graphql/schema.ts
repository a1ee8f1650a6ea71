import { DomainError } from '@millrace/core';
import type { Handlers, OperationId } from '@millrace/http';
import { Json } from '@millrace/http';
import { decodeRequest, operation, parseJsonBody } from '@millrace/wire';
import type { FastifyRequest } from 'fastify';
import {
  DirectiveLocation,
  GraphQLDirective,
  type GraphQLFieldConfig,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  specifiedDirectives,
} from 'graphql';
import { WireTypes } from './types.ts';

export interface GraphQLContext {
  readonly http: FastifyRequest;
}

type Fields = Readonly<Record<string, unknown>>;

const QUERIES: Readonly<Record<string, OperationId>> = {
  mlflowGetExperiment: 'MlflowService.getExperiment',
  mlflowGetMetricHistoryBulkInterval: 'MlflowService.getMetricHistoryBulkInterval',
  mlflowGetRun: 'MlflowService.getRun',
  mlflowListArtifacts: 'MlflowService.listArtifacts',
  mlflowSearchModelVersions: 'ModelRegistryService.searchModelVersions',
  mlflowSearchRuns: 'MlflowService.searchRuns',
};

const MUTATIONS: Readonly<Record<string, OperationId>> = {
  mlflowSearchDatasets: 'Runs.searchDatasets',
  mlflowSearchRuns: 'MlflowService.searchRuns',
};

type Call = (id: OperationId, input: Fields, context: GraphQLContext) => Promise<Fields>;

/** Runs the operation behind the REST route: one request, checked once, by the same rules. */
function caller(handlers: Handlers): Call {
  return async (id, input, context) => {
    const handler = handlers[id] as ((request: unknown, context: GraphQLContext) => unknown) | undefined;
    if (handler === undefined) {
      throw new DomainError('NOT_IMPLEMENTED', `${id.split('.')[1]} is not available on this server yet.`);
    }
    const answer = await handler(decodeRequest(operation(id), { body: input }), context);
    return (answer instanceof Json ? parseJsonBody(answer.text) : answer) as Fields;
  };
}

const ECHO: GraphQLFieldConfig<unknown, GraphQLContext> = {
  type: new GraphQLObjectType({ name: 'Test', fields: { output: { type: GraphQLString } } }),
  description: 'Simple echoing field',
  args: { inputString: { type: GraphQLString } },
  resolve: (_source, { inputString }: { inputString?: string }) => ({ output: inputString }),
};

/** The schema of MLflow's `/graphql`, over the operations of the REST API. */
export function trackingSchema(handlers: Handlers): GraphQLSchema {
  const call = caller(handlers);
  const types = new WireTypes({
    'mlflow.Metric': () => ({}),
    'mlflow.Run': (own) => ({
      experiment: {
        type: own.output(operation('MlflowService.getExperiment').response!.fields[0]!.message!),
        resolve: async (run, _args, context) => {
          const { experiment_id } = run.info as { experiment_id: string };
          const { experiment } = await call(
            'MlflowService.getExperiment',
            { experiment_id },
            context as GraphQLContext,
          );
          return experiment;
        },
      },
      modelVersions: {
        type: new GraphQLList(
          new GraphQLNonNull(
            own.output(operation('ModelRegistryService.getModelVersion').response!.fields[0]!.message!),
          ),
        ),
        resolve: async (run, _args, context) => {
          if (handlers['ModelRegistryService.searchModelVersions'] === undefined) return [];
          const { run_id } = run.info as { run_id: string };
          const filter = `run_id = '${run_id}'`;
          const found = await call('ModelRegistryService.searchModelVersions', { filter }, context as GraphQLContext);
          return found.model_versions ?? [];
        },
      },
    }),
  });
  const roots = (operations: Readonly<Record<string, OperationId>>) =>
    Object.fromEntries(
      Object.entries(operations).map(([name, id]) => {
        const { request, response } = operation(id);
        const field: GraphQLFieldConfig<unknown, GraphQLContext> = {
          type: types.output(response!),
          args: { input: { type: types.input(request!) } },
          resolve: (_source, { input = {} }: { input?: Fields }, context) => call(id, input, context),
        };
        return [name, field];
      }),
    );
  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { ...roots(QUERIES), test: ECHO } }),
    mutation: new GraphQLObjectType({ name: 'Mutation', fields: { ...roots(MUTATIONS), testMutation: ECHO } }),
    directives: [
      ...specifiedDirectives,
      new GraphQLDirective({
        name: 'component',
        locations: [DirectiveLocation.QUERY, DirectiveLocation.MUTATION],
        args: { name: { type: new GraphQLNonNull(GraphQLString) } },
      }),
    ],
  });
}
