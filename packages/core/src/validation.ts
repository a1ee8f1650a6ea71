import { invalid } from './errors.ts';
import {
  MAX_BATCH_ENTITIES,
  MAX_BATCH_METRICS,
  MAX_BATCH_PARAMS,
  MAX_BATCH_TAGS,
  MAX_DATASET_DIGEST_LENGTH,
  MAX_DATASET_NAME_LENGTH,
  MAX_DATASET_PROFILE_LENGTH,
  MAX_DATASET_SCHEMA_LENGTH,
  MAX_DATASET_SOURCE_LENGTH,
  MAX_EXPERIMENT_NAME_LENGTH,
  MAX_EXPERIMENT_TAG_VALUE_LENGTH,
  MAX_INPUT_TAG_KEY_LENGTH,
  MAX_INPUT_TAG_VALUE_LENGTH,
  MAX_KEY_LENGTH,
  MAX_LOGGED_MODEL_NAME_LENGTH,
  MAX_MODEL_ALIAS_LENGTH,
  MAX_PARAM_VALUE_LENGTH,
  MAX_REGISTERED_MODEL_NAME_LENGTH,
  MAX_REGISTRY_TAG_VALUE_LENGTH,
  MAX_RUN_TAG_VALUE_LENGTH,
  MAX_TRACE_TAG_VALUE_LENGTH,
} from './limits.ts';
import { checkText, isWord, pythonQuoted, shown } from './text.ts';

// Rules and words of MLflow 3.17's utils/validation.py. Every function throws DomainError INVALID_PARAMETER_VALUE.

/** A name that is plainly right: ASCII, no slash, and no leading dot that a path could resolve. */
const PLAIN_NAME = /^[\w\- :][\w.\- :]*$/;

/** Names that passed the slow check (slashes, other scripts), forgotten all at once when full. */
const KNOWN_NAMES = new Set<string>();
const MAX_KNOWN_NAMES = 4_096;

const BAD_CHARACTERS =
  'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).';

/** @param index Place in the batch; absent for a single metric. */
export const checkMetricKey = (key: string, index?: number): void => {
  if (PLAIN_NAME.test(key) && key.length <= MAX_KEY_LENGTH) return;
  checkName(key, () => (index === undefined ? 'name' : `metrics[${index}].name`));
  checkLength('Metric name', key, MAX_KEY_LENGTH);
};

export const checkParamKey = (key: string, index?: number): void => {
  if (PLAIN_NAME.test(key) && key.length <= MAX_KEY_LENGTH) return;
  checkName(key, () => (index === undefined ? 'key' : `params[${index}].key`));
  checkLength('Param key', key, MAX_KEY_LENGTH);
};

/** The key of a run, experiment, model, version or trace tag. */
export const checkTagKey = (key: string, index?: number): void => {
  if (PLAIN_NAME.test(key) && key.length <= MAX_KEY_LENGTH) return;
  const path = index === undefined ? 'key' : `tags[${index}].key`;
  checkName(key, () => path);
  checkLength(path, key, MAX_KEY_LENGTH);
};

/** A metric's time: milliseconds, not negative. */
export const checkMetricTimestamp = (key: string, value: number, timestamp: number | bigint, index?: number): void => {
  if (timestamp >= 0) return;
  const path = index === undefined ? 'timestamp' : `metrics[${index}].timestamp`;
  throw invalid(
    invalidValue(
      path,
      timestamp.toString(),
      `metric '${shown(key)}' (value=${value}). Timestamp must be a nonnegative long (64-bit integer) `,
    ),
  );
};

/** Cuts a value to MLflow's limit, or refuses it where the operator turned cutting off. */
export const truncateParamValue = (value: string, truncate = true): string =>
  bounded('Param value', value, MAX_PARAM_VALUE_LENGTH, truncate);

export const truncateRunTagValue = (value: string, truncate = true, index?: number): string =>
  bounded(index === undefined ? 'value' : `tags[${index}].value`, value, MAX_RUN_TAG_VALUE_LENGTH, truncate);

export const truncateTraceTagValue = (value: string, truncate = true): string =>
  bounded('value', value, MAX_TRACE_TAG_VALUE_LENGTH, truncate);

export const checkBatchSize = (metrics: number, params: number, tags: number): void => {
  checkCount('metrics', metrics, MAX_BATCH_METRICS);
  checkCount('params', params, MAX_BATCH_PARAMS);
  checkCount('tags', tags, MAX_BATCH_TAGS);
  checkCount('metrics, params, and tags', metrics + params + tags, MAX_BATCH_ENTITIES);
};

export const checkParamKeysUnique = (keys: readonly string[]): void => {
  if (new Set(keys).size === keys.length) return;
  const seen = new Set<string>();
  const repeated = keys.filter((key) => seen.has(key) || !seen.add(key));
  throw invalid(
    `Duplicate parameter keys have been submitted: [${repeated.map(pythonQuoted).join(', ')}]. Please ensure the request contains only one param value per param key.`,
  );
};

export const checkRunId = (id: string, path = 'run_id'): void => {
  if (!isIdentifier(id, 256)) throw invalid(invalidValue(path, pythonJson(id)));
};

export const checkExperimentName = (name: string): void => {
  if (name === '') throw invalid("Invalid experiment name: ''");
  checkText('name', name);
  checkLength('name', name, MAX_EXPERIMENT_NAME_LENGTH);
};

/** The decimal id of an experiment as given by a client, in canonical form. */
export const parseExperimentId = (id: string): string => {
  const digits = /^\s*([+-]?\d{1,19})\s*$/.exec(id)?.[1];
  const value = digits === undefined ? null : BigInt(digits);
  if (value === null || BigInt.asIntN(64, value) !== value) {
    throw invalid(`Invalid experiment ID '${shown(id)}'. Experiment ID must be a valid integer.`);
  }
  return value.toString();
};

export const checkExperimentTag = (key: string, value: string): void => {
  checkTagKey(key);
  checkText('value', value);
  checkLength('value', value, MAX_EXPERIMENT_TAG_VALUE_LENGTH);
};

export const checkRegisteredModelTag = (key: string, value: string): void => {
  checkTagKey(key);
  checkText('value', value);
  checkLength('value', value, MAX_REGISTRY_TAG_VALUE_LENGTH);
};

export const checkModelVersionTag = (key: string, value: string): void => {
  checkTagKey(key);
  checkText('value', value);
  if (key === 'mlflow.prompt.text' && longerThan(value, MAX_REGISTRY_TAG_VALUE_LENGTH)) {
    throw invalid(`Prompt text exceeds max length of ${MAX_REGISTRY_TAG_VALUE_LENGTH} characters.`);
  }
  checkLength('value', value, MAX_REGISTRY_TAG_VALUE_LENGTH);
};

/** @param path `new_name` when a model is renamed. */
export const checkRegisteredModelName = (name: string, path: 'name' | 'new_name' = 'name'): void => {
  if (name.trim() === '') throw invalid(`Missing value for required parameter '${path}'.`);
  if (/[/:]/.test(name)) throw invalid(`Invalid model name '${shown(name)}'. Names cannot contain '/' or ':'.`);
  if (resolvesElsewhere(name)) throw invalid(invalidValue('name', pythonJson(name), badPath(name)));
  checkText('name', name);
  checkLength('name', name, MAX_REGISTERED_MODEL_NAME_LENGTH);
};

/** A name for an alias that is set; reading tolerates the reserved ones. */
export const checkModelAlias = (alias: string): void => {
  if (alias === '') throw invalid('Registered model alias name cannot be empty.');
  if (!isEvery(alias, (code) => isWord(code) || code === 0x2d)) {
    throw invalid(
      `Invalid alias name: '${shown(alias)}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  checkLength('Registered model alias name', alias, MAX_MODEL_ALIAS_LENGTH);
};

export const checkModelAliasNotReserved = (alias: string): void => {
  if (alias.toLowerCase() === 'latest') throw invalid("'latest' alias name (case insensitive) is reserved.");
  if (/^[vV]\p{Nd}+\n?$/u.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`);
};

export const checkLoggedModelName = (name: string): void => {
  if (name === '' || /[/:.%"']/.test(name)) {
    throw invalid(
      `Invalid model name (${pythonQuoted(shown(name))}) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
    );
  }
  checkText('name', name);
  checkLength('name', name, MAX_LOGGED_MODEL_NAME_LENGTH);
};

export interface DatasetText {
  readonly name: string;
  readonly digest: string;
  readonly source: string;
  readonly schema?: string | undefined;
  readonly profile?: string | undefined;
}

/** A dataset that a run reads. */
export const checkDataset = ({ name, digest, source, schema = '', profile = '' }: DatasetText): void => {
  checkField('name', name, MAX_DATASET_NAME_LENGTH);
  checkField('digest', digest, MAX_DATASET_DIGEST_LENGTH);
  checkField('source', source, MAX_DATASET_SOURCE_LENGTH);
  checkField('schema', schema, MAX_DATASET_SCHEMA_LENGTH);
  checkField('profile', profile, MAX_DATASET_PROFILE_LENGTH);
};

export const checkInputTag = (key: string, value: string): void => {
  checkField('key', key, MAX_INPUT_TAG_KEY_LENGTH);
  checkField('value', value, MAX_INPUT_TAG_VALUE_LENGTH);
};

const checkField = (path: string, value: string, limit: number): void => {
  checkText(path, value);
  checkLength(path, value, limit);
};

const checkName = (name: string, path: () => string): void => {
  if (KNOWN_NAMES.has(name)) return;
  if (!isEvery(name, isNameCharacter)) throw invalid(invalidValue(path(), pythonJson(name), BAD_CHARACTERS));
  if (resolvesElsewhere(name)) throw invalid(invalidValue(path(), pythonJson(name), badPath(name)));
  if (name.length > MAX_KEY_LENGTH) return;
  if (KNOWN_NAMES.size === MAX_KNOWN_NAMES) KNOWN_NAMES.clear();
  KNOWN_NAMES.add(name);
};

const isNameCharacter = (code: number): boolean =>
  isWord(code) || code === 0x2f || code === 0x2e || code === 0x2d || code === 0x20 || code === 0x3a;

/** Whether every character passes; like Python's `$`, it lets one trailing newline through. */
const isEvery = (text: string, passes: (code: number) => boolean): boolean => {
  const end = text.endsWith('\n') ? text.length - 1 : text.length;
  for (let at = 0; at < end; at += 1) {
    const code = text.codePointAt(at)!;
    if (!passes(code)) return false;
    if (code > 0xffff) at += 1;
  }
  return true;
};

const isIdentifier = (text: string, limit: number): boolean =>
  /^[a-zA-Z\d]/.test(text) &&
  isEvery(text, (code) => isWord(code) || code === 0x2d) &&
  !longerThan(text.replace(/\n$/, ''), limit);

/** Whether a name, read as a POSIX path, is not that path itself or leaves its folder. */
const resolvesElsewhere = (name: string): boolean => {
  const path = normalPath(name);
  return path !== name || path === '.' || path.startsWith('..') || path.startsWith('/');
};

/** POSIX path normalisation, where exactly two leading slashes stay two. */
const normalPath = (path: string): string => {
  const root = /^\/\/(?!\/)/.test(path) ? '//' : path.startsWith('/') ? '/' : '';
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..' || (root === '' && kept.length === 0) || kept.at(-1) === '..') kept.push(part);
    else kept.pop();
  }
  return root + kept.join('/') || '.';
};

const badPath = (name: string): string =>
  `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to ${pythonQuoted(shown(normalPath(name)))}`;

const invalidValue = (path: string, json: string, message?: string): string =>
  `Invalid value ${json} for parameter '${path}' supplied${message === undefined ? '.' : `: ${message}`}`;

/** JSON with everything beyond printable ASCII escaped, as Python writes it. */
const pythonJson = (value: string): string =>
  JSON.stringify(shown(value, 1_000)).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Lengths count code points; no text has more of them than UTF-16 units. */
const longerThan = (value: string, limit: number): boolean =>
  value.length > limit && codePointsEnd(value, limit) < value.length;

const checkLength = (path: string, value: string, limit: number): void => {
  if (longerThan(value, limit)) throw invalid(`'${path}' exceeds the maximum length of ${limit} characters`);
};

const bounded = (path: string, value: string, limit: number, truncate: boolean): string => {
  checkText(path, value);
  if (!longerThan(value, limit)) return value;
  if (truncate) return value.slice(0, codePointsEnd(value, limit));
  throw invalid(`'${path}' exceeds the maximum length of ${limit} characters`);
};

/** The UTF-16 offset behind the first `count` code points. */
const codePointsEnd = (value: string, count: number): number => {
  let at = 0;
  for (let seen = 0; seen < count && at < value.length; seen += 1) at += value.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
};

const checkCount = (what: string, count: number, limit: number): void => {
  if (count <= limit) return;
  throw invalid(
    `A batch logging request can contain at most ${limit} ${what}. Got ${count} ${what}. Please split up ${what} across multiple requests and try again.`,
  );
};
