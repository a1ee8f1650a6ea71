import { describe, expect, it } from 'vitest';
import { appendToUri, checkArtifactLocation } from './artifact-uri.ts';

const verdict = (location: string, policy = {}): string => {
  try {
    checkArtifactLocation(location, policy);
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a location that a client names', () => {
  it.each([
    '/etc',
    'rel/path',
    './a',
    'file:///etc',
    'file:/etc',
    'FILE:/etc',
    'file:rel',
    'C:\\data',
    'c:/data',
    '//host/share',
    '',
  ])('is never a path of the server: %j', (location) => {
    expect(verdict(location)).toContain('cannot be a path on the server');
  });

  it.each<[string, boolean]>([
    ['/srv/ml', true],
    ['/srv/ml/a', true],
    ['file:///srv/ml/a', true],
    ['file://localhost/srv/ml/a', true],
    ['/srv/mlops', false],
    ['/srv', false],
    ['file://elsewhere/srv/ml/a', false],
    ['//srv/ml/a', false],
    ['/srv/ml\\..\\x', false],
    ['/srv/ml/../x', false],
    ['/srv/ml/%2e%2e/x', false],
    ['file:///srv/ml/%252e%252e/x', false],
  ])('may lie under a folder that the operator allows: %s', (location, isTaken) => {
    expect(verdict(location, { localRoots: ['/srv/ml'] }) === 'taken').toBe(isTaken);
  });

  it('never climbs, however it is escaped', () => {
    for (const location of [
      's3://b/a/../c',
      's3://b/%2e%2e/c',
      's3://b/%252e%252E/c',
      's3://b/a\\..\\c',
      'mlflow-artifacts:/../a',
    ]) {
      expect(verdict(location)).toContain("'..' segment");
    }
    expect(verdict('s3://b/a..b/c...')).toBe('taken');
    expect(verdict(`s3://b/%${'25'.repeat(20)}2e`)).toContain("'..' segment");
    expect(verdict(`s3://b?x=%${'25'.repeat(20)}2e`)).toBe('Invalid query string');
  });

  it('names the host of the own storage, or one of an allowed scheme', () => {
    const policy = { trustedUris: ['http://store:80/x'] };
    expect(verdict('http://store/a', policy)).toBe('taken');
    expect(verdict('mlflow-artifacts://STORE/a', policy)).toBe('taken');
    expect(verdict('http://user@store/a', policy)).toBe('taken');
    for (const location of [
      'https://store/a',
      'http://store:8080/a',
      'http://store\\@evil/a',
      'http://store@evil/a',
      'http://store:99999/a',
    ]) {
      expect(verdict(location, policy)).toContain('addresses a host other than');
    }
    expect(verdict('hdfs://any/a', { allowedSchemes: ['HDFS'] })).toBe('taken');
    expect(verdict('viewfs://any/a', { allowedSchemes: ['HDFS'] })).toContain("'viewfs' scheme");
  });

  it('has no control characters', () => {
    for (const location of ['s3://b/\na', 'ht\ttp://h/a', 's3://b/\0']) expect(verdict(location)).not.toBe('taken');
  });
});

it('appending never leaves the folder', () => {
  expect(appendToUri('s3://b/a?x=1', 'c/d')).toBe('s3://b/a/c/d?x=1');
  for (const path of ['..', 'a/../b', '/../a', 'a/..'])
    expect(() => appendToUri('s3://b/a', path)).toThrow("'..' segment");
});
