import { brotliCompressSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { launchChromium } from '../../../tools/testkit/chromium.ts';
import { call, createExperiment, createModel, createRun, PIXEL, putArtifact, serverUrl } from './seed.ts';

const MARKUP = '<img src=x onerror="window.broken=1">';
const mark = Math.random().toString(36).slice(2, 8);
const name = `ui-${mark}`;
const hour = 3_600_000;

let browser: Browser;
let context: BrowserContext;
let page: Page;
let experimentId: string;
let bestRun: { id: string; artifactUri: string };
/** Whatever the page asked of another place than the server, and every mistake in its scripts. */
let strays: string[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  experimentId = await createExperiment(name);
  const at = (hoursAgo: number) => Date.now() - hoursAgo * hour;
  const common = { model: 'resnet18' };
  await createRun(experimentId, {
    name: 'worst',
    params: { ...common, lr: '0.1' },
    metrics: { 'val/loss': [2, 1.5], accuracy: [0.1, 0.2], grad: ['NaN'] },
    startTime: at(5),
  });
  bestRun = await createRun(experimentId, {
    name: 'best',
    params: { ...common, lr: '0.01' },
    metrics: { 'val/loss': [2, 0.046252486337], accuracy: [0.1, 0.9] },
    startTime: at(4),
  });
  const middle = await createRun(experimentId, {
    name: `middle ${MARKUP}`,
    params: { ...common, lr: MARKUP },
    metrics: { 'val/loss': [2, 1], accuracy: [0.1, 0.5] },
    startTime: at(3),
  });
  await createRun(experimentId, { name: 'child', parent: middle.id, startTime: at(2) });
  await putArtifact(bestRun.artifactUri, 'notes/readme.txt', 'plain text');
  await putArtifact(bestRun.artifactUri, 'config.json', '{"depth":18}');
  await putArtifact(bestRun.artifactUri, 'page.html', `<h1>No page</h1>${MARKUP}`);
  await putArtifact(bestRun.artifactUri, 'pixel.png', PIXEL);
  await putArtifact(bestRun.artifactUri, 'model.pkl', 'binary');
});

afterAll(() => browser?.close());

beforeEach(async () => {
  strays = [];
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  page = await context.newPage();
  page.on('pageerror', (error) => strays.push(String(error)));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) strays.push(message.text());
  });
  page.on('request', (request) => {
    const own = [serverUrl(), `blob:${serverUrl()}`].some((prefix) => request.url().startsWith(prefix));
    if (!own) strays.push(request.url());
  });
});

afterEach(async () => {
  const ran = await page.evaluate('window.broken');
  await context.close();
  expect(strays).toEqual([]);
  expect(ran, 'markup that a user logged was run').toBeUndefined();
});

const open = (path: string) => page.goto(`${serverUrl()}/#${path}`);
const openRuns = (search = '') => open(`/experiments/${experimentId}${search}`);
const openRun = (id: string, search = '') => open(`/experiments/${experimentId}/runs/${id}${search}`);
const runTable = () => page.getByRole('table', { name: 'Runs' });
const runNames = () => runTable().locator('tbody').getByRole('link').allTextContents();

test('experiments are found by name and lead to their runs', async () => {
  await open('/');
  await page.getByRole('searchbox', { name: 'Search experiments by name' }).fill(mark.toUpperCase());
  await page.getByText('1 experiment', { exact: true }).waitFor();
  await page.getByRole('link', { name }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
  await expect.poll(runNames).toHaveLength(4);
});

test('an experiment is created, renamed, deleted and brought back', async () => {
  await open('/experiments');
  await page.getByRole('button', { name: 'New experiment' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByRole('alert').filter({ hasText: name }).waitFor();
  await dialog.getByLabel('Name').fill(`${name} ${MARKUP}`);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: `${name} ${MARKUP}`, level: 1 }).waitFor();
  await page.getByText('import mlflow').waitFor();

  await page.getByRole('button', { name: 'Rename' }).click();
  await dialog.getByLabel('Name').fill(`${name} renamed`);
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { name: `${name} renamed`, level: 1 }).waitFor();

  await page.getByRole('button', { name: `Delete ${name} renamed` }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('button', { name: `Delete ${name} renamed` }).waitFor();
});

test('columns are what varies; numbers are short, with the full value at hand', async () => {
  await openRuns();
  await page.getByRole('columnheader', { name: 'val/loss' }).waitFor();
  const headers = await runTable().getByRole('columnheader').allTextContents();
  expect(headers).toContain('lr');
  expect(headers).not.toContain('model');
  const cell = runTable().getByRole('cell', { name: '0.04625', exact: true });
  expect(await cell.getAttribute('title')).toBe('0.046252486337');
});

test('children stand below their parent until it is closed', async () => {
  await openRuns();
  await expect.poll(runNames).toEqual([`middle ${MARKUP}`, 'child', 'best', 'worst']);
  await page.getByRole('button', { name: 'Children of middle' }).click();
  await expect.poll(runNames).toEqual([`middle ${MARKUP}`, 'best', 'worst']);
});

test('a click on a header sorts on the server, and the URL keeps it', async () => {
  await openRuns();
  await page.getByRole('button', { name: 'val/loss' }).click();
  await expect.poll(async () => (await runNames()).slice(0, 3)).toEqual(['worst', `middle ${MARKUP}`, 'best']);
  await page.getByRole('button', { name: 'val/loss' }).click();
  await expect.poll(async () => (await runNames()).slice(0, 3)).toEqual(['best', `middle ${MARKUP}`, 'worst']);
  await page.reload();
  await expect.poll(async () => (await runNames())[0]).toBe('best');
  const header = page.getByRole('columnheader', { name: 'val/loss' });
  expect(await header.getAttribute('aria-sort')).toBe('ascending');
});

test('a filter that the server refuses says so at its place; a right one filters', async () => {
  await openRuns();
  const filter = page.getByRole('searchbox', { name: 'Filter runs' });
  await filter.fill('metrics.accuracy > high');
  await filter.press('Enter');
  await page.getByRole('search').getByRole('alert').waitFor();
  expect(await filter.getAttribute('aria-invalid')).toBe('true');
  await filter.fill("metrics.accuracy > 0.4 and params.lr = '0.01'");
  await filter.press('Enter');
  await expect.poll(runNames).toEqual(['best']);
  expect(await page.getByRole('search').getByRole('alert').count()).toBe(0);
});

test('columns are chosen, and the URL keeps them', async () => {
  await openRuns();
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('checkbox', { name: 'model' }).check();
  await page.getByRole('checkbox', { name: 'accuracy' }).uncheck();
  await page.reload();
  await page.getByRole('columnheader', { name: 'model' }).waitFor();
  expect(await page.getByRole('columnheader', { name: 'accuracy' }).count()).toBe(0);
});

test('selected runs are compared by what differs', async () => {
  await openRuns();
  await page.getByRole('checkbox', { name: 'Select best' }).check();
  await page.getByRole('checkbox', { name: 'Select worst' }).check();
  await page.getByRole('link', { name: 'Compare' }).click();
  const table = page.getByRole('table', { name: 'Runs side by side' });
  await table.getByRole('row', { name: 'lr' }).waitFor();
  expect(await table.getByRole('row', { name: 'model' }).count()).toBe(0);
  expect(await table.getByRole('row', { name: 'grad' }).textContent()).toBe('grad–NaN');
  await page.getByText('All', { exact: true }).click();
  await table.getByRole('row', { name: 'model' }).waitFor();
});

test('deleted runs come back by undo, and from the list of deleted ones', async () => {
  const own = await createExperiment(`${name}-delete`);
  await createRun(own, { name: 'first' });
  await createRun(own, { name: 'second' });
  await open(`/experiments/${own}`);
  await page.getByRole('checkbox', { name: 'Select all loaded runs' }).check();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('No runs yet').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await runNames()).sort()).toEqual(['first', 'second']);

  await page.getByRole('checkbox', { name: 'Select first' }).check();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect.poll(runNames).toEqual(['second']);
  await page.getByText('Deleted', { exact: true }).click();
  await page.getByRole('checkbox', { name: 'Select first' }).check();
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByText('No run is deleted').waitFor();
});

test('further pages are loaded on demand', async () => {
  const own = await createExperiment(`${name}-pages`);
  const waiting = Array.from({ length: 130 }, (_, i) => i);
  const worker = async () => {
    for (let i = waiting.pop(); i !== undefined; i = waiting.pop()) {
      await call('POST', 'runs/create', { experiment_id: own, run_name: `run-${i}`, start_time: 1000 + i });
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  await open(`/experiments/${own}`);
  await page.getByText('the first 100 runs').waitFor();
  await page.getByRole('button', { name: 'Load more' }).click();
  await page.getByText('130 runs', { exact: true }).waitFor();
  expect(new Set(await runNames()).size).toBe(130);
});

test('new runs and new values arrive in the table without a reload', async () => {
  const own = await createExperiment(`${name}-live`);
  await open(`/experiments/${own}`);
  await page.getByText('No runs yet').waitFor();
  const run = await createRun(own, { name: 'live', running: true, metrics: { loss: [3] } });
  await runTable().getByRole('cell', { name: '3', exact: true }).waitFor();
  await call('POST', 'runs/log-metric', { run_id: run.id, key: 'loss', value: 0.125, timestamp: Date.now(), step: 1 });
  await runTable().getByRole('cell', { name: '0.125', exact: true }).waitFor();
});

test('a run shows its metrics, live, in table and chart', async () => {
  const run = await createRun(experimentId, { name: 'live', running: true, metrics: { loss: [3, 2] } });
  await openRun(run.id);
  const row = page.getByRole('table', { name: 'Metrics' }).getByRole('row', { name: 'loss' });
  await row.getByTitle('2', { exact: true }).waitFor();
  const log = (value: number, step: number) =>
    call('POST', 'runs/log-metric', { run_id: run.id, key: 'loss', value, timestamp: Date.now(), step });
  await log(0.5, 2);
  await row.getByTitle('0.5', { exact: true }).waitFor();

  await page.getByRole('link', { name: 'Charts' }).click();
  await page.getByRole('img', { name: 'Chart of loss: 1 run, 3 points' }).waitFor();
  await log(0.25, 3);
  await page.getByRole('img', { name: 'Chart of loss: 1 run, 4 points' }).waitFor();
  await call('POST', 'runs/update', { run_id: run.id, status: 'FINISHED', end_time: Date.now() });
  await page.getByText('Finished', { exact: true }).waitFor();
  await call('POST', 'runs/delete', { run_id: run.id });
});

test('a run is renamed, tagged and noted; markup stays text', async () => {
  const run = await createRun(experimentId, { name: 'edited', params: { [MARKUP.slice(1, 4)]: MARKUP } });
  await openRun(run.id);
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill(MARKUP);
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { name: MARKUP, level: 1 }).waitFor();

  await page.getByRole('button', { name: 'Add a tag' }).click();
  await page.getByLabel('Tag key').fill('team');
  await page.getByLabel('Tag value').fill(MARKUP);
  await page.getByRole('button', { name: 'Save tag' }).click();
  await page
    .getByRole('listitem')
    .filter({ hasText: `team ${MARKUP}` })
    .waitFor();
  await page.getByRole('button', { name: 'Delete the tag team' }).click();
  await page.getByRole('listitem').filter({ hasText: 'team' }).waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Add a note' }).click();
  await page.getByLabel('Note, in Markdown').fill(`## Why\n**bold** ${MARKUP} [x](javascript:window.broken=1)`);
  await page.getByRole('button', { name: 'Save note' }).click();
  await page.getByRole('heading', { name: 'Why' }).waitFor();
  expect(await page.getByText('bold', { exact: true }).evaluate((element) => element.tagName)).toBe('STRONG');
  expect(await page.getByRole('link', { name: 'x', exact: true }).count()).toBe(0);
  expect(await page.locator('main img').count()).toBe(0);
  await call('POST', 'runs/delete', { run_id: run.id });
});

test('artifacts are looked at as text or picture, never run', async () => {
  await openRun(bestRun.id, '?tab=artifacts');
  const preview = page.getByRole('region', { name: 'Preview' });
  await page.getByRole('button', { name: 'notes' }).click();
  await page.getByRole('button', { name: 'readme.txt' }).click();
  await preview.getByText('plain text', { exact: true }).waitFor();

  await page.getByRole('button', { name: 'config.json' }).click();
  await preview.getByText('"depth": 18').waitFor();
  await page.getByRole('button', { name: 'page.html' }).click();
  await preview.getByText('<h1>No page</h1>').waitFor();
  await page.getByRole('button', { name: 'model.pkl' }).click();
  await preview.getByText('Files of this kind are not shown here.').waitFor();

  await page.getByRole('button', { name: 'pixel.png' }).click();
  const picture = preview.getByRole('img', { name: 'pixel.png' });
  await expect.poll(() => picture.evaluate((element) => (element as HTMLImageElement).naturalWidth)).toBe(1);
  const downloading = page.waitForEvent('download');
  await preview.getByRole('link', { name: 'Download' }).click();
  expect((await downloading).suggestedFilename()).toBe('pixel.png');

  await page.reload();
  await picture.waitFor();
});

test('a model that a run made has its page and its files', async () => {
  const run = await createRun(experimentId, { name: 'with a model' });
  const modelId = await createModel(experimentId, run.id, 'classifier');
  await openRun(run.id);
  await page.getByRole('link', { name: 'classifier' }).click();
  await page.getByRole('heading', { name: 'classifier', level: 1 }).waitFor();
  await page.getByText('ready', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'MLmodel' }).click();
  await page.getByRole('region', { name: 'Preview' }).getByText(`model_id: ${modelId}`).waitFor();
  await call('POST', 'runs/delete', { run_id: run.id });
});

test('while the server is away the page stays, says so, and comes back', async () => {
  await openRuns();
  await expect.poll(runNames).toContain('best');
  await context.route(/ajax-api|health/, (route) => route.abort('connectionrefused'));
  await page.getByRole('button', { name: 'val/loss' }).click();
  const banner = page.getByText('The server does not answer. What you see may be out of date');
  await banner.waitFor();
  await context.unroute(/ajax-api|health/);
  await banner.waitFor({ state: 'detached' });
  await expect.poll(async () => (await runNames())[0]).toBe('worst');
});

test('what is not there says so', async () => {
  await open('/experiments/987654321');
  await page.getByRole('alert').filter({ hasText: '987654321' }).waitFor();
  await openRun('0'.repeat(32));
  await page.getByRole('heading', { name: `The run ${'0'.repeat(32)} could not be loaded` }).waitFor();
  await open('/nowhere');
  await page.getByRole('heading', { name: 'There is no page at this address' }).waitFor();
});

test('the theme follows the system until it is chosen, and the choice stays', async () => {
  const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  await page.emulateMedia({ colorScheme: 'light' });
  await open('/experiments');
  await page.getByRole('heading', { name: 'Experiments' }).waitFor();
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.getByRole('button', { name: 'Theme: system. Change to light' }).click();
  expect(await ground()).toBe(light);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: light. Change to dark' }).waitFor();
  expect(await ground()).toBe(light);
});

test('runs are reached by keyboard alone', async () => {
  await openRuns();
  await expect.poll(runNames).toContain('best');
  await page.keyboard.press('/');
  await page.keyboard.type("attributes.run_name = 'best'");
  await page.keyboard.press('Enter');
  await expect.poll(runNames).toEqual(['best']);
  for (let i = 0; i < 40; i += 1) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate('document.activeElement.textContent')) === 'best') break;
  }
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'best', level: 1 }).waitFor();
});

test('every screen costs little to load, and its files can be kept for good', async () => {
  const runs = await call<{ runs: { info: { run_id: string } }[] }>('POST', 'runs/search', {
    experiment_ids: [experimentId],
  });
  const ids = runs.runs.map((run) => run.info.run_id).join(',');
  const screens = {
    experiments: '/experiments',
    runs: `/experiments/${experimentId}?charts=1`,
    run: `/experiments/${experimentId}/runs/${bestRun.id}?tab=charts`,
    compare: `/compare?runs=${ids}`,
  };
  for (const [screen, path] of Object.entries(screens)) {
    const fresh = await context.newPage();
    const scripts = new Map<string, Promise<Buffer>>();
    fresh.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.set(response.url(), response.body());
    });
    await fresh.goto(`${serverUrl()}/#${path}`);
    await fresh.getByRole('heading', { level: 1 }).waitFor();
    await fresh.waitForLoadState('networkidle');
    const bodies = await Promise.all(scripts.values());
    const bytes = bodies.reduce((sum, body) => sum + brotliCompressSync(body).length, 0);
    expect(bytes, screen).toBeGreaterThan(10_000);
    expect(bytes, screen).toBeLessThan(150_000);
    for (const url of scripts.keys()) expect(url).toMatch(/\/assets\/[\w-]+-[\w-]{8}\.js$/);
    await fresh.close();
  }
});
