import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderMessages } from './messages.ts';

it('renders the committed types from the committed contract', () => {
  const committed = readFileSync(new URL('../../packages/wire/src/messages.generated.ts', import.meta.url), 'utf8');
  expect(renderMessages() === committed, 'run: node tools/contract/generate.ts').toBe(true);
});
