import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { artifactApi, call, expectError, millraceOnly, type NewRun, newRun, ok, send, url } from './support.ts';

let given: NewRun;
const page = Buffer.from('<script>alert(1)</script>0123456789');

beforeAll(async () => {
  given = await newRun();
  expect((await send('PUT', `${given.folder}page.html`, { body: page })).status).toBe(200);
});

interface Listing {
  files?: { path: string; is_dir: boolean; file_size?: number }[];
}
const list = (path: string) => ok<Listing>(call('GET', artifactApi, { path }));
const inRun = (path = '') => `${given.experiment}/${given.run}/artifacts${path}`;

describe('reading', () => {
  test('the bytes come back, and never run in a browser', async () => {
    const { status, bytes, headers } = await send('GET', `${given.folder}page.html`);
    expect({ status, bytes }).toEqual({ status: 200, bytes: page });
    expect(headers['content-disposition']).toMatch(/^attachment/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-length']).toBe(String(page.length));
    expect(headers.etag).toMatch(/^(W\/)?"/);
  });
  millraceOnly('a sandbox policy goes with them', 'it sends none', async () => {
    for (const path of [`${given.folder}page.html`, `/get-artifact?run_id=${given.run}&path=page.html`])
      expect((await send('GET', path)).headers['content-security-policy'], path).toMatch(/sandbox/);
  });
  test('HEAD says what GET would', async () => {
    const { status, bytes, headers } = await send('HEAD', `${given.folder}page.html`);
    expect({ status, length: bytes.length, header: headers['content-length'] }).toEqual({
      status: 200,
      length: 0,
      header: String(page.length),
    });
  });
  for (const [range, from, to] of [
    ['bytes=2-5', 2, 5],
    ['bytes=-3', page.length - 3, page.length - 1],
    ['bytes=5-', 5, page.length - 1],
    ['bytes=0-100000', 0, page.length - 1],
  ] as const)
    test(`Range ${range}`, async () => {
      const { status, bytes, headers } = await send('GET', `${given.folder}page.html`, { headers: { range } });
      expect({ status, bytes }).toEqual({ status: 206, bytes: page.subarray(from, to + 1) });
      expect(headers['content-range']).toBe(`bytes ${from}-${to}/${page.length}`);
    });
  test('a range past the end', async () => {
    const answer = await send('GET', `${given.folder}page.html`, { headers: { range: 'bytes=100000-' } });
    expect({ status: answer.status, range: answer.headers['content-range'] }).toEqual({
      status: 416,
      range: `bytes */${page.length}`,
    });
  });
  test('many ranges at once cost nothing', async () => {
    const range = `bytes=${Array.from({ length: 5000 }, (_, at) => `${at % 10}-`).join(',')}`;
    expect((await send('GET', `${given.folder}page.html`, { headers: { range } })).status).toBeLessThan(500);
  });
  test('a name of any script', async () => {
    const path = `${given.folder}${encodeURIComponent('ünï 二.txt')}`;
    expect((await send('PUT', path, { body: 'x' })).status).toBe(200);
    const { headers } = await send('GET', path);
    expect(headers['content-disposition']).toMatch(/filename\*=UTF-8''/i);
  });
  test('a missing file', async () =>
    expectError(await send('GET', `${given.folder}absent`), 404, 'RESOURCE_DOES_NOT_EXIST'));
  test('a folder is no file', async () =>
    expect([400, 404]).toContain((await send('GET', `${artifactApi}/${inRun()}`)).status));
});

describe('listing', () => {
  test('names the entries of a folder', async () => {
    await send('PUT', `${given.folder}sub/deep/file.txt`, { body: '12345' });
    expect((await list(inRun())).files).toEqual(
      expect.arrayContaining([
        { path: 'page.html', is_dir: false, file_size: page.length },
        { path: 'sub', is_dir: true },
      ]),
    );
    expect(await list(inRun('/sub/deep'))).toEqual({ files: [{ path: 'file.txt', is_dir: false, file_size: 5 }] });
  });
  test('of a file is empty, which is how clients tell it from a folder', async () => {
    expect(await list(inRun('/page.html'))).toEqual({});
    const inRunApi = call('GET', '/api/2.0/mlflow/artifacts/list', { run_id: given.run, path: 'page.html' });
    expect(await ok(inRunApi)).toEqual({ root_uri: `mlflow-artifacts:/${inRun()}` });
  });
  test('of nothing is empty', async () => expect(await list(inRun('/absent'))).toEqual({}));
  test('of a run names its root', async () => {
    const listed = await ok<Listing & { root_uri: string }>(
      call('GET', '/api/2.0/mlflow/artifacts/list', { run_id: given.run, path: 'sub' }),
    );
    expect(listed).toEqual({
      root_uri: `mlflow-artifacts:/${inRun()}`,
      files: [{ path: 'sub/deep', is_dir: true }],
    });
  });
});

describe('writing', () => {
  test('the last one wins, whole', async () => {
    const bodies = Array.from({ length: 12 }, (_, at) => Buffer.alloc(200_000, 65 + at));
    const answers = await Promise.all(bodies.map((body) => send('PUT', `${given.folder}contested`, { body })));
    expect(answers.map(({ status }) => status)).toEqual(bodies.map(() => 200));
    const { bytes } = await send('GET', `${given.folder}contested`);
    expect(bodies.some((body) => body.equals(bytes))).toBe(true);
  });

  const aborted = async (path: string, headers: Record<string, string>) => {
    const { hostname, port } = new URL(url);
    const outgoing = request({ method: 'PUT', hostname, port, path, headers });
    outgoing.on('error', () => {});
    outgoing.write(randomBytes(300_000));
    await sleep(300);
    outgoing.destroy();
    await sleep(300);
  };
  for (const [how, headers] of [
    ['with a length', { 'content-length': '1000000' }],
    ['in chunks', {}],
  ] as const) {
    const leavesNothing = async () => {
      await aborted(`${given.folder}cut/half`, headers);
      expect((await send('GET', `${given.folder}cut/half`)).status).toBe(404);
      expect((await list(inRun('/cut'))).files ?? []).toEqual([]);
    };
    const leavesTheOld = async () => {
      await send('PUT', `${given.folder}kept`, { body: 'the whole' });
      await aborted(`${given.folder}kept`, headers);
      expect((await send('GET', `${given.folder}kept`)).text).toBe('the whole');
    };
    millraceOnly(`a PUT ${how}, broken off, leaves nothing`, 'it may keep half', leavesNothing);
    millraceOnly(`a PUT ${how}, broken off, leaves the old content`, 'it may keep half', leavesTheOld);
  }

  test('a file cannot become a folder, nor a folder a file', async () => {
    await send('PUT', `${given.folder}plain`, { body: 'x' });
    await send('PUT', `${given.folder}folder/x`, { body: 'x' });
    for (const path of ['plain/below', 'folder']) {
      const { status } = await send('PUT', given.folder + path, { body: 'y' });
      expect(status, path).not.toBe(200);
    }
    expect((await send('GET', `${given.folder}plain`)).text).toBe('x');
    expect((await send('GET', `${given.folder}folder/x`)).text).toBe('x');
  });

  test('delete, twice', async () => {
    await send('PUT', `${given.folder}gone`, { body: 'x' });
    for (let time = 0; time < 2; time++) expect((await send('DELETE', `${given.folder}gone`)).status).toBe(200);
    expect((await send('GET', `${given.folder}gone`)).status).toBe(404);
  });
  test('everything cannot be deleted at once', async () => {
    for (const path of [artifactApi, `${artifactApi}/`]) {
      const { status } = await send('DELETE', path);
      expect(status, path).toBeGreaterThanOrEqual(400);
      expect(status, path).toBeLessThan(500);
    }
    expect((await send('GET', `${given.folder}page.html`)).status).toBe(200);
  });
});

describe('paths that lead outside', () => {
  const spellings = [
    ...['../x', '..', '%2e%2e/x', '..%2fx', '%2e%2e%2fx', '.%2e/x', '%252e%252e%252fx'],
    ...['a/../../x', 'a/..%2f..%2fx', '%2fetc/passwd', '//etc/passwd', '%2F%2Fetc/passwd', 'C:/x', 'a%23b'],
  ];
  const stricter = ['..%5cx', '..\\x', 'a%00b', '.', 'a/./b', '%5c%5chost%5cshare', 'a%0ab', '%ff%fe'];
  const refused = async (method: string, path: string) => {
    const { status, text } = await send(method, path, method === 'PUT' ? { body: 'outside' } : {});
    expect([400, 404], `${method} ${path} answered ${status} ${text}`).toContain(status);
    expect(text).not.toMatch(/root:|node_modules|\n\s+at /);
  };
  for (const method of ['GET', 'PUT'])
    test(`${method} refuses every spelling`, async () => {
      for (const spelling of spellings) await refused(method, `${artifactApi}/${spelling}`);
    });
  for (const method of ['GET', 'PUT', 'DELETE'])
    millraceOnly(`${method} refuses the rest too`, 'it takes some literally, redirects, or answers 500', async () => {
      for (const spelling of [...spellings, ...stricter]) await refused(method, `${artifactApi}/${spelling}`);
    });
  const queries = ['..', '../..', '%2e%2e', '..%2f..', '%252e%252e%252f', '/etc', 'a/../../..'];
  test('listing', async () => {
    for (const path of queries) await refused('GET', `${artifactApi}?path=${path}`);
    for (const path of queries) await refused('GET', `/api/2.0/mlflow/artifacts/list?run_id=${given.run}&path=${path}`);
  });
  test('get-artifact', async () => {
    for (const path of queries) await refused('GET', `/get-artifact?run_id=${given.run}&path=${path}/page.html`);
  });
  test('upload-artifact', async () => {
    for (const path of queries) {
      const target = `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${given.run}&path=${path}/evil.txt`;
      const { status } = await send('POST', target, { body: 'x' });
      expect(status, path).toBe(400);
    }
  });
  test('a run cannot read its neighbour', async () => {
    const other = await newRun();
    await send('PUT', `${other.folder}secret`, { body: 'secret' });
    const path = `../../../${other.experiment}/${other.run}/artifacts/secret`;
    expect((await send('GET', `/get-artifact?run_id=${given.run}&path=${path}`)).status).toBe(400);
  });
  test('an artifact location may not name the host nor leave its root', async () => {
    for (const location of [
      'http://evil.example/a',
      'https://evil.example/a',
      'ftp://evil.example/a',
      'runs:/a',
      's3://b/#x',
    ]) {
      const body = { name: `location ${location} ${Math.random()}`, artifact_location: location };
      expectError(await call('POST', '/api/2.0/mlflow/experiments/create', body), 400, 'INVALID_PARAMETER_VALUE');
    }
  });
});

describe('the pages of the UI', () => {
  test('get-artifact', async () => {
    for (const name of ['run_id', 'run_uuid']) {
      const { status, bytes, headers } = await send('GET', `/get-artifact?${name}=${given.run}&path=page.html`);
      expect({ status, bytes }).toEqual({ status: 200, bytes: page });
      expect(headers['content-disposition']).toMatch(/^attachment/);
    }
    expectError(await send('GET', `/get-artifact?run_id=${given.run}&path=absent`), 404, 'RESOURCE_DOES_NOT_EXIST');
  });
  const upload = (query: string, body: Buffer) =>
    send('POST', `/ajax-api/2.0/mlflow/upload-artifact?${query}`, { body });
  test('upload-artifact', async () => {
    const { status } = await upload(`run_uuid=${given.run}&path=ui/up.txt`, Buffer.from('hello'));
    expect(status).toBe(200);
    expect((await send('GET', `${given.folder}ui/up.txt`)).text).toBe('hello');
    expectError(await upload(`run_uuid=${given.run}`, Buffer.from('x')), 400, 'INVALID_PARAMETER_VALUE');
    expectError(await upload('path=x', Buffer.from('x')), 400, 'INVALID_PARAMETER_VALUE');
  });
  test('upload-artifact takes 10 MiB and no byte more', async () => {
    const limit = 10 << 20;
    const query = (name: string) => `run_uuid=${given.run}&path=${name}`;
    expect((await upload(query('limit.bin'), Buffer.alloc(limit, 1))).status).toBe(200);
    const beyond = await upload(query('beyond.bin'), Buffer.alloc(limit + 1, 1));
    expectError(beyond, 400, 'INVALID_PARAMETER_VALUE');
    expect((await send('GET', `${given.folder}beyond.bin`)).status).toBe(404);
  });
});
