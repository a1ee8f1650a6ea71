import { invalid, MAX_DATASET_SCHEMA_LENGTH } from '@millrace/core';
import { type PythonJson, parsePythonJson, printPythonJson } from './python-json.ts';

/** Field names and the kind of the first value that each had. */
type Kinds = readonly (readonly [field: string, kind: string])[];

/** What records say of their dataset's schema. */
export interface SchemaNews {
  readonly inputs: Kinds;
  readonly expectations: Kinds;
  readonly outputs: Kinds;
  /** The kind of the first outputs that are no object, and whether objects had named no field before them. */
  readonly bareOutputs: { readonly kind: string; readonly first: boolean } | null;
}

/** Gathers the fields of records, in the order in which they come. */
export class SchemaSurvey {
  readonly #inputs = new Map<string, string>();
  readonly #expectations = new Map<string, string>();
  readonly #outputs = new Map<string, string>();
  #bareOutputs: SchemaNews['bareOutputs'] = null;

  add(record: PythonJson): void {
    if (record.kind !== 'object') return;
    note(this.#inputs, record.entries.get('inputs'));
    note(this.#expectations, record.entries.get('expectations'));
    const outputs = record.entries.get('outputs');
    if (outputs?.kind === 'object') note(this.#outputs, outputs);
    else if (outputs !== undefined && outputs.kind !== 'null') {
      this.#bareOutputs ??= { kind: outputs.kind, first: this.#outputs.size === 0 };
    }
  }

  get news(): SchemaNews {
    return {
      inputs: [...this.#inputs],
      expectations: [...this.#expectations],
      outputs: [...this.#outputs],
      bareOutputs: this.#bareOutputs,
    };
  }
}

function note(kinds: Map<string, string>, value: PythonJson | undefined): void {
  if (value?.kind !== 'object') return;
  for (const [field, { kind }] of value.entries) if (!kinds.has(field)) kinds.set(field, kind);
}

/** A dataset's schema as MLflow writes it, with what is new. A field keeps the kind that it was first seen with. */
export function mergeSchema(schema: string | null, news: SchemaNews): string {
  const stored = schema === null ? null : parsePythonJson('schema', schema);
  const parts = stored?.kind === 'object' ? stored.entries : new Map<string, PythonJson>();
  const merged = new Map<string, PythonJson>([
    ['inputs', extended(parts.get('inputs'), news.inputs)],
    ['outputs', extendedOutputs(parts.get('outputs'), news)],
    ['expectations', extended(parts.get('expectations'), news.expectations)],
    ['version', parts.get('version') ?? word('1.0')],
  ]);
  const text = printPythonJson({ kind: 'object', entries: merged }, { ascii: true });
  if (text.length > MAX_DATASET_SCHEMA_LENGTH) {
    throw invalid(
      `The records have too many fields: the dataset's schema would have ${text.length} characters; it may have at most ${MAX_DATASET_SCHEMA_LENGTH}.`,
    );
  }
  return text;
}

const word = (text: string): PythonJson => ({ kind: 'string', text });

function extended(part: PythonJson | undefined, kinds: Kinds): PythonJson {
  const entries = new Map(part?.kind === 'object' ? part.entries : []);
  for (const [field, kind] of kinds) if (!entries.has(field)) entries.set(field, word(kind));
  return { kind: 'object', entries };
}

/** Outputs are either objects, or values of one kind: whichever came first. */
function extendedOutputs(part: PythonJson | undefined, { outputs, bareOutputs }: SchemaNews): PythonJson {
  if (part?.kind === 'string') return part;
  const isEmpty = part?.kind !== 'object' || part.entries.size === 0;
  return isEmpty && bareOutputs?.first === true ? word(bareOutputs.kind) : extended(part, outputs);
}
