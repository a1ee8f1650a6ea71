/** Fills an array with random bytes. */
export type RandomBytes = (into: Uint8Array<ArrayBuffer>) => void;

export const cryptoRandom: RandomBytes = (into) => {
  globalThis.crypto.getRandomValues(into);
};

export interface Ids {
  /** 32 lowercase hex digits: a random UUID without dashes, as MLflow makes them. */
  run(): string;
  loggedModel(): string;
  evaluationDataset(): string;
  /** The bare 32 digits, for entities whose prefix is their own. */
  hex(): string;
}

const BATCH = 128;
const BYTES = 16;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Ids from batches of random bytes: one call into the random source serves many ids. */
export const createIds = (random: RandomBytes = cryptoRandom): Ids => {
  const pool = new Uint8Array(BATCH * BYTES);
  let used = pool.length;
  const hex = (): string => {
    if (used === pool.length) {
      random(pool);
      used = 0;
    }
    pool[used + 6] = (pool[used + 6]! & 0x0f) | 0x40;
    pool[used + 8] = (pool[used + 8]! & 0x3f) | 0x80;
    let id = '';
    for (const end = used + BYTES; used < end; used += 1) id += HEX[pool[used]!];
    return id;
  };
  return {
    hex,
    run: hex,
    loggedModel: () => `m-${hex()}`,
    evaluationDataset: () => `d-${hex()}`,
  };
};

export const ids: Ids = createIds();

export const isRunId = (text: string): boolean => /^[\da-f]{32}$/.test(text);
export const isLoggedModelId = (text: string): boolean => /^m-[\da-f]{32}$/.test(text);
export const isEvaluationDatasetId = (text: string): boolean => /^d-[\da-f]{32}$/.test(text);
