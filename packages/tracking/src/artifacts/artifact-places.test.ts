import { join } from 'node:path';
import type { LocationPolicy } from '@millrace/core';
import { openStore } from '@millrace/objects';
import { tempDir } from '@millrace/tools/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ArtifactPlaces } from './artifact-places.ts';

const root = tempDir('root');
const proxied = await openStore(tempDir('proxied'));
const access = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' };
Object.assign(process.env, access);

function placesWith(locations: LocationPolicy): ArtifactPlaces {
  const places = new ArtifactPlaces({ proxied, locations });
  onTestFinished(() => places.close());
  return places;
}

const refusal = (places: ArtifactPlaces, uri: string) => expect(places.resolve(uri), uri).rejects;

describe('local folders', () => {
  test('below a root are folders of one store', async () => {
    const places = placesWith({ localRoots: [root] });
    const one = await places.resolve(join(root, '1/run/artifacts'));
    const two = await places.resolve(`file://${root}/2/run/artifacts/`);
    expect([one.folder, two.folder, one.proxied]).toEqual(['1/run/artifacts', '2/run/artifacts', false]);
    expect(one.store).toBe(two.store);
    expect((await places.resolve(root)).folder).toBe('');
  });
  test('anywhere else are refused, however they are spelled', async () => {
    const places = placesWith({ localRoots: [root] });
    const outside = ['/etc', `${root}-other`, `${root}/../etc`, `file://${root}/../etc`, `file://${root}/%2e%2e/etc`];
    for (const uri of outside) await refusal(places, uri).toMatchObject({ code: 'PERMISSION_DENIED' });
    await refusal(placesWith({}), root).toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});

describe('hosts', () => {
  const foreign = 'sftp://somebody@elsewhere.example/folder';

  test('are those of the own storage', async () => {
    const places = placesWith({ trustedUris: ['sftp://me@store.example/artifacts'] });
    await refusal(places, foreign).toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
    await refusal(places, 'sftp://me@store.example:2222/artifacts').toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
    const [one, two] = [
      await places.resolve('sftp://me@store.example/artifacts/1/a'),
      await places.resolve('sftp://me@store.example/artifacts/2'),
    ];
    expect([one.folder, two.folder]).toEqual(['1/a', '2']);
    expect(one.store).toBe(two.store);
  });
  test('are any of a scheme that the operator allows', async () => {
    expect((await placesWith({ allowedSchemes: ['SFTP'] }).resolve(foreign)).proxied).toBe(false);
  });
  test('of web servers are none, allowed or not', async () => {
    for (const uri of ['http://127.0.0.1/x', 'https://store.example/x', 'ftp://store.example/x']) {
      await refusal(placesWith({}), uri).toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
      await refusal(placesWith({ allowedSchemes: ['http', 'https', 'ftp'] }), uri).toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
      });
    }
  });
  test('of another MLflow server hold nothing of this one', async () => {
    const uri = 'mlflow-artifacts://other.example:5000/1/a';
    await refusal(placesWith({ allowedSchemes: ['mlflow-artifacts'] }), uri).toMatchObject({
      code: 'INVALID_PARAMETER_VALUE',
    });
    const own = placesWith({ trustedUris: ['mlflow-artifacts://other.example:5000/'] });
    expect(await own.resolve(uri)).toEqual({ store: proxied, folder: '1/a', proxied: true });
  });
});

test('a bucket is one store, whatever the prefix', async () => {
  const places = placesWith({});
  const [one, two] = [await places.resolve('s3://bucket/a b/%41'), await places.resolve('s3://bucket')];
  expect([one.folder, two.folder]).toEqual(['a b/%41', '']);
  expect(one.store).toBe(two.store);
  expect((await places.resolve('s3://other/a')).store).not.toBe(one.store);
});

test('mlflow-artifacts: leads to the own store, decoded once', async () => {
  const places = placesWith({});
  expect(await places.resolve('mlflow-artifacts:/1/a%20b')).toEqual({ store: proxied, folder: '1/a b', proxied: true });
  await refusal(places, 'mlflow-artifacts:/../x').toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
  await refusal(places, 'mlflow-artifacts:/%zz').toMatchObject({ code: 'INVALID_PARAMETER_VALUE' });
});
