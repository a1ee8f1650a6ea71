import type { FieldGetter, FilterField, SearchEntity, StoredValue } from '../src/index.ts';

type Fields = Readonly<Record<string, StoredValue | readonly StoredValue[]>>;

/** An entity of the oracle's world, as it describes it. */
export type Thing = { readonly id: string } & Readonly<Partial<Record<FilterField['type'], Fields>>>;

export type World = Readonly<Record<SearchEntity, readonly Thing[]>>;

const DOUBLES: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity };

export const getter =
  (thing: Thing): FieldGetter =>
  ({ type, key }) => {
    const stored = thing[type]?.[key];
    return type === 'metric' && typeof stored === 'string' ? DOUBLES[stored] : stored;
  };
