import { provisionPeers } from '../../peers/provision.ts';
import { provisionPython } from './python.ts';
import { provisionChromium, provisionJava, provisionPostgres } from './system.ts';

/** Something that tests use: `ready` says which one, `missing` what to do to have it. */
export type Provision =
  | { readonly name: string; readonly ready: string }
  | { readonly name: string; readonly missing: string };

/** Installs what tests need and this user may install. @returns a line for each thing that isn't there. */
export async function provision(): Promise<string[]> {
  console.log('=== what the tests need ===');
  const missing: string[] = [];
  for await (const item of provisions()) {
    if ('ready' in item) {
      console.log(`${item.name}: ${item.ready}`);
    } else {
      console.log(`${item.name}: MISSING. ${item.missing}`);
      missing.push(`${item.name}. ${item.missing}`);
    }
  }
  return missing;
}

async function* provisions(): AsyncGenerator<Provision> {
  yield* provisionPython();
  yield await provisionPostgres();
  yield await provisionChromium();
  yield await provisionJava();
  yield* provisionPeers();
}
