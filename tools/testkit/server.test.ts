import { describe, expect, it } from 'vitest';
import { answers, dialects, startServer } from './index.ts';

describe.each(dialects.map(({ name }) => name))('a server for tests on %s', (backend) => {
  it('serves, and comes back with what it had after kill -9', async () => {
    const server = await startServer({ backend });
    const post = await fetch(`${server.url}/api/2.0/mlflow/experiments/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'kept' }),
    });
    expect(post.status).toBe(200);
    await server.kill9();
    expect(await answers(`${server.url}/health`)).toBe(false);

    const again = await server.restart();
    expect(again.url).toBe(server.url);
    const query = new URLSearchParams({ experiment_name: 'kept' });
    const found = await fetch(`${again.url}/api/2.0/mlflow/experiments/get-by-name?${query}`);
    expect(await found.json()).toMatchObject({ experiment: { name: 'kept' } });
    expect(await again.stop()).toBe(0);
  });
});
