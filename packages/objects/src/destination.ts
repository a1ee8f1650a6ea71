import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalid } from '@millrace/core';

/** An artifact destination, taken apart. A `prefix` has no '/' at either end and may be ''. */
export type Destination =
  | { readonly kind: 'local'; readonly folder: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }
  | { readonly kind: 'gcs'; readonly bucket: string; readonly prefix: string }
  | {
      readonly kind: 'azure';
      /** The host of the account's blob service, e.g. `acme.blob.core.windows.net`. */
      readonly host: string;
      readonly account: string;
      readonly container: string;
      readonly prefix: string;
    }
  | {
      readonly kind: 'sftp';
      readonly host: string;
      readonly port: number;
      readonly user: string | undefined;
      readonly password: string | undefined;
      /** Absolute on the server. */
      readonly folder: string;
    };

const SUPPORTED =
  'a local folder, file:///folder, s3://bucket/prefix, wasbs://container@account.blob.core.windows.net/prefix, ' +
  'abfss://container@account.dfs.core.windows.net/prefix, gs://bucket/prefix, sftp://user@host/folder';

/** Parses what `--artifacts-destination` and artifact locations name. Throws INVALID_PARAMETER_VALUE. */
export function parseDestination(uri: string): Destination {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase();
  if (uri === '') throw invalid(`The artifact destination is empty; supported are ${SUPPORTED}`);
  if (scheme === undefined) return { kind: 'local', folder: resolve(uri) };
  const parse = PARSERS[scheme];
  if (parse === undefined) {
    throw invalid(
      `The artifact destination '${redacted(uri)}' has the unknown scheme '${scheme}:'; supported are ${SUPPORTED}`,
    );
  }
  return parse(scheme === 'file' ? fileUrl(uri) : remoteUrl(uri), uri);
}

/** The URI without its password, for people and logs. */
export const redacted = (uri: string): string => uri.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*):[^/]*@/i, '$1@');

type Parser = (url: URL, uri: string) => Destination;

const PARSERS: Readonly<Record<string, Parser>> = {
  file: localFolder,
  s3: (url, uri) => ({ kind: 's3', ...bucketAndPrefix(url, uri) }),
  gs: (url, uri) => ({ kind: 'gcs', ...bucketAndPrefix(url, uri) }),
  wasbs: azureContainer,
  wasb: azureContainer,
  abfss: azureContainer,
  abfs: azureContainer,
  sftp: sftpFolder,
};

function localFolder(url: URL, uri: string): Destination {
  if (url.host !== '') throw malformed(uri, 'a file: URI names no host; write file:///folder');
  try {
    return { kind: 'local', folder: resolve(fileURLToPath(url)) };
  } catch {
    throw malformed(uri, 'it is not a valid file: URI');
  }
}

function bucketAndPrefix(url: URL, uri: string): { bucket: string; prefix: string } {
  if (url.username !== '' || url.password !== '' || url.port !== '') {
    throw malformed(uri, 'only a bucket and a prefix may be named; credentials come from the environment');
  }
  if (url.hostname === '') throw malformed(uri, 'the bucket is missing');
  return { bucket: hostAsWritten(uri), prefix: prefixOf(url, uri) };
}

/** No other host is asked: the account's key must not sign for whoever a URI names. */
const AZURE_HOST = /^([a-z0-9-]+)\.(?:blob|dfs)\.core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/;

function azureContainer(url: URL, uri: string): Destination {
  const container = decoded(url.username, uri);
  const host = AZURE_HOST.exec(url.host.toLowerCase());
  if (container === '' || host === null || url.password !== '') {
    throw malformed(uri, 'write container@account.blob.core.windows.net (or .chinacloudapi.cn, .usgovcloudapi.net)');
  }
  const [, account = '', cloud = ''] = host;
  return { kind: 'azure', host: `${account}.blob.core.${cloud}`, account, container, prefix: prefixOf(url, uri) };
}

function sftpFolder(url: URL, uri: string): Destination {
  if (url.hostname === '') throw malformed(uri, 'the host is missing');
  return {
    kind: 'sftp',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 22 : Number(url.port),
    user: decoded(url.username, uri) || undefined,
    password: decoded(url.password, uri) || undefined,
    folder: `/${prefixOf(url, uri)}`,
  };
}

/** `file:/folder` and `file:folder` are what older MLflow versions wrote. */
const fileUrl = (uri: string): URL => {
  const rest = uri.slice('file:'.length);
  if (rest.startsWith('/')) return asUrl(uri);
  return asUrl(`file://${resolve(rest).split('/').map(encodeURIComponent).join('/')}`);
};

function remoteUrl(uri: string): URL {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(uri)) throw malformed(uri, "'//' must follow the scheme");
  const url = asUrl(uri);
  if (url.search !== '' || url.hash !== '') throw malformed(uri, "'?' and '#' are not allowed");
  return url;
}

function asUrl(uri: string): URL {
  try {
    return new URL(uri);
  } catch {
    throw malformed(uri, 'it is not a valid URI');
  }
}

/** URL parsing lower-cases and resolves dots; a prefix is taken as written, since in a bucket every spelling is a name. */
function prefixOf(url: URL, uri: string): string {
  const written = /^[^:]+:\/\/[^/]*(.*)$/s.exec(uri)?.[1] ?? url.pathname;
  const prefix = written.replace(/^\/+|\/+$/g, '');
  for (const segment of prefix === '' ? [] : prefix.split('/')) {
    if (segment === '' || segment === '.' || segment === '..')
      throw malformed(uri, "its path has an empty, '.' or '..' segment");
  }
  return prefix;
}

/** A bucket's name keeps its case and underscores, which URL parsing of special schemes would not. */
const hostAsWritten = (uri: string): string => /^[^:]+:\/\/([^/]*)/.exec(uri)?.[1] ?? '';

function decoded(text: string, uri: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed(uri, 'it has a broken % escape');
  }
}

const malformed = (uri: string, why: string) =>
  invalid(`The artifact destination '${redacted(uri)}' is malformed: ${why}`);
