import { startServer, type TestServer, tempDir } from '@millrace/tools/testkit';
import { expect, onTestFinished, test } from 'vitest';
import type { Refusal } from './support.ts';

const ALLOWED = 'MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES';

test('a host that was allowed once is not connected to when it no longer is', async () => {
  const dataDir = tempDir('hosts');
  const post = async ({ url }: TestServer, path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as object };
  };
  const experiment = { name: 'elsewhere', artifact_location: 'sftp://nobody@127.0.0.1:1/folder' };

  const generous = await startServer({ dataDir, env: { [ALLOWED]: 'sftp' } });
  onTestFinished(async () => void (await generous.stop()));
  const created = await post(generous, 'experiments/create', experiment);
  expect(created.status).toBe(200);
  const { run } = (await post(generous, 'runs/create', created.body)).body as { run: { info: { run_id: string } } };
  const list = async ({ url }: TestServer) => {
    const answer = await fetch(`${url}/api/2.0/mlflow/artifacts/list?run_id=${run.info.run_id}`);
    return { status: answer.status, ...((await answer.json()) as Refusal) };
  };
  expect(await list(generous)).toMatchObject({ status: 503, message: expect.stringContaining('cannot be reached') });
  await generous.stop();

  const strict = await startServer({ dataDir });
  onTestFinished(async () => void (await strict.stop()));
  expect(await list(strict)).toMatchObject({ status: 400, message: expect.stringContaining(ALLOWED) });
  const again = await post(strict, 'experiments/create', { ...experiment, name: 'elsewhere too' });
  expect(again).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
  const read = await fetch(`${strict.url}/get-artifact?run_id=${run.info.run_id}&path=x`);
  expect(read.status).toBe(400);
});
