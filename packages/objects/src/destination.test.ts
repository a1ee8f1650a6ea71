import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDestination, redacted } from './destination.ts';

describe('parseDestination', () => {
  it.each([
    ['/var/artifacts', { kind: 'local', folder: '/var/artifacts' }],
    ['./mlartifacts', { kind: 'local', folder: resolve('mlartifacts') }],
    ['file:///var/my%20artifacts', { kind: 'local', folder: '/var/my artifacts' }],
    ['file:/var/artifacts', { kind: 'local', folder: '/var/artifacts' }],
    ['file:mlruns/a b', { kind: 'local', folder: resolve('mlruns/a b') }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://My_Bucket/a/B/', { kind: 's3', bucket: 'My_Bucket', prefix: 'a/B' }],
    ['S3://bucket/a%20b', { kind: 's3', bucket: 'bucket', prefix: 'a%20b' }],
    ['gs://bucket/models', { kind: 'gcs', bucket: 'bucket', prefix: 'models' }],
    [
      'wasbs://box@acme.blob.core.windows.net/a/b',
      { kind: 'azure', host: 'acme.blob.core.windows.net', account: 'acme', container: 'box', prefix: 'a/b' },
    ],
    [
      'abfss://box@acme.dfs.core.windows.net',
      { kind: 'azure', host: 'acme.blob.core.windows.net', account: 'acme', container: 'box', prefix: '' },
    ],
    [
      'sftp://me:p%40ss@files.example:2222/srv/artifacts/',
      { kind: 'sftp', host: 'files.example', port: 2222, user: 'me', password: 'p@ss', folder: '/srv/artifacts' },
    ],
    ['sftp://files', { kind: 'sftp', host: 'files', port: 22, user: undefined, password: undefined, folder: '/' }],
    ['sftp://[::1]/x', { kind: 'sftp', host: '::1', port: 22, user: undefined, password: undefined, folder: '/x' }],
  ])('%s', (uri, expected) => {
    expect(parseDestination(uri)).toEqual(expected);
  });

  it.each([
    ['', 'is empty'],
    ['ftp://host/x', "unknown scheme 'ftp:'; supported are a local folder"],
    ['mlflow-artifacts:/1', "unknown scheme 'mlflow-artifacts:'"],
    ['s3:/bucket', "'//' must follow the scheme"],
    ['s3:///prefix', 'the bucket is missing'],
    ['s3://key:secret@bucket/x', 'credentials come from the environment'],
    ['s3://bucket/a?x=1', "'?' and '#' are not allowed"],
    ['s3://bucket/../x', "'..' segment"],
    ['s3://bucket/a//b', "'..' segment"],
    ['gs://bucket/a#b', "'?' and '#' are not allowed"],
    ['wasbs://acme.blob.core.windows.net/x', 'write container@account'],
    ['wasbs://box@evil.example/x', 'write container@account'],
    ['wasbs://box@acme.blob.core.windows.net.evil.example/x', 'write container@account'],
    ['file://host/x', 'names no host'],
    ['sftp:///x', 'the host is missing'],
  ])('refuses %j and says why', (uri, why) => {
    expect(() => parseDestination(uri)).toThrow(why);
  });

  it('shows no password', () => {
    expect(redacted('sftp://me:secret@host/x')).toBe('sftp://me@host/x');
    expect(redacted('s3://bucket/x')).toBe('s3://bucket/x');
    expect(() => parseDestination('sftp://me:secret@host/x?y')).toThrow(/^(?!.*secret)/);
  });
});
