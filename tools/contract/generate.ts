/** Writes packages/wire/src/messages.generated.ts from the contract. Usage: node tools/contract/generate.ts */
import { writeFileSync } from 'node:fs';
import { renderMessages } from './messages.ts';

writeFileSync(new URL('../../packages/wire/src/messages.generated.ts', import.meta.url), renderMessages());
