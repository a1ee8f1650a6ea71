import { invalid } from '@millrace/core';

declare const brand: unique symbol;

/** A relative path below an artifact root that cannot lead outside it: segments joined by '/', or '' for the root itself. */
export type ArtifactPath = string & { readonly [brand]: 'ArtifactPath' };

/** The root of a store. */
export const ROOT = '' as ArtifactPath;

/** The folder that stores write beside; no artifact may be named so at any depth. */
export const TEMP_FOLDER = '.millrace-tmp';

const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 1024;
const SHOWN_CHARACTERS = 100;

/**
 * Parses a path that a client named, already decoded once. Throws INVALID_PARAMETER_VALUE naming the rule that it breaks.
 * The empty path is refused: where the root may be meant, use `parseFolderPath`.
 */
export function parseArtifactPath(raw: string): ArtifactPath {
  const broken = brokenRule(raw);
  if (broken !== undefined) throw invalid(`Invalid path '${shown(raw)}': ${broken}`);
  return raw as ArtifactPath;
}

/** Like `parseArtifactPath`, but nothing or '' is the root, and one trailing '/' is dropped. */
export function parseFolderPath(raw: string | undefined): ArtifactPath {
  if (raw === undefined || raw === '') return ROOT;
  return parseArtifactPath(raw.length > 1 && raw.endsWith('/') ? raw.slice(0, -1) : raw);
}

/** Joins paths that are each safe; the limit on the whole is checked again. */
export function joinArtifactPath(...parts: readonly ArtifactPath[]): ArtifactPath {
  return parseFolderPath(parts.filter((part) => part !== ROOT).join('/'));
}

/** The last segment: a file's own name. */
export const baseName = (path: ArtifactPath): string => path.slice(path.lastIndexOf('/') + 1);

/** The folder that holds `path`; ROOT for a single segment. */
export const parentOf = (path: ArtifactPath): ArtifactPath =>
  path.slice(0, Math.max(0, path.lastIndexOf('/'))) as ArtifactPath;

/** Where one artifact is meant: the root is none. */
export function refuseRoot(path: ArtifactPath): void {
  if (path === ROOT) throw invalid('Invalid path: it is empty, which names the artifact root itself');
}

function brokenRule(raw: string): string | undefined {
  if (raw === '') return 'it is empty';
  if (!raw.isWellFormed()) return 'it is not well-formed Unicode';
  if (Buffer.byteLength(raw) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  if (/\p{Cc}/u.test(raw)) return 'control characters are not allowed';
  if (raw.includes('\\')) return "'\\' is not allowed; separate segments by '/'";
  if (raw.includes('#')) return "'#' is not allowed";
  if (raw.startsWith('/')) return "it starts with '/'; artifact paths are relative";
  if (/^(?:[a-z]:|file:)/i.test(raw)) return 'drives and file URIs are not allowed; artifact paths are relative';
  const encoded = /%(?:2e|2f|5c)/i.exec(raw);
  if (encoded) return `'${encoded[0]}' is encoded more than once`;
  for (const segment of raw.split('/')) {
    if (segment === '') return "it has an empty segment ('//' or a trailing '/')";
    if (segment === '.' || segment === '..') return `the segment '${segment}' is not allowed`;
    if (segment.toLowerCase() === TEMP_FOLDER) return `the name '${TEMP_FOLDER}' is reserved`;
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return `a segment is longer than ${MAX_SEGMENT_BYTES} bytes`;
  }
  return undefined;
}

function shown(raw: string): string {
  const cut = raw.length > SHOWN_CHARACTERS ? `${raw.slice(0, SHOWN_CHARACTERS)}…` : raw;
  return cut
    .toWellFormed()
    .replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
