import type { SqlReader } from './sql-reader.ts';

/** Tables of what the product does not hold, and what people call it. */
export const LEFT_OUT: readonly (readonly [table: string, name: string])[] = [
  ['registered_models', 'registered models'],
  ['model_versions', 'model versions'],
  ['trace_info', 'traces'],
  ['assessments', 'assessments'],
  ['evaluation_datasets', 'evaluation datasets'],
  ['scorers', 'scorers'],
  ['webhooks', 'webhooks'],
  ['jobs', 'jobs'],
  ['secrets', 'secrets'],
  ['endpoints', 'gateway endpoints'],
  ['mcp_servers', 'MCP servers'],
  ['label_schemas', 'label schemas'],
  ['review_queues', 'review queues'],
  ['issues', 'issues'],
];

/** Which tables and columns this version has. */
export class Schema {
  readonly #tables: ReadonlyMap<string, ReadonlySet<string>>;

  private constructor(tables: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#tables = tables;
  }

  static async read(reader: SqlReader): Promise<Schema> {
    const tables = new Map<string, ReadonlySet<string>>();
    for (const table of [...TABLES, ...LEFT_OUT.map(([name]) => name)]) tables.set(table, await reader.columns(table));
    return new Schema(tables);
  }

  has(table: string): boolean {
    return (this.#tables.get(table)?.size ?? 0) > 0;
  }

  /** The columns in this order, NULL for those that this version lacks. */
  select(table: string, columns: readonly string[]): string {
    const there = this.#tables.get(table)!;
    return columns.map((column) => (there.has(column) ? `"${column}"` : 'NULL')).join(', ');
  }
}

const TABLES = [
  'experiments',
  'experiment_tags',
  'runs',
  'metrics',
  'latest_metrics',
  'params',
  'tags',
  'datasets',
  'inputs',
  'input_tags',
  'logged_models',
  'logged_model_params',
  'logged_model_tags',
  'logged_model_metrics',
];
