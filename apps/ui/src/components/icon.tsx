const SHAPES = {
  copy: 'M5.5 5.5v-3h8v8h-3m-8-5h8v8h-8z',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  edit: 'M3 13l.7-3L11 2.7 13.3 5 6 12.3z',
  close: 'M4 4l8 8m0-8l-8 8',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  light: 'M8 5a3 3 0 100 6 3 3 0 000-6zM8 1v1.5m0 11V15M1 8h1.5m11 0H15M3 3l1 1m8 8l1 1m0-10l-1 1m-8 8l-1 1',
  dark: 'M13 9.5A5.5 5.5 0 016.5 3 5.5 5.5 0 1013 9.5z',
  system: 'M2 3h12v8H2zm4 11h4m-2-3v3',
} as const;

export type IconName = keyof typeof SHAPES;

/** Drawn here, because the characters for these are missing from many systems' fonts. The control it stands in has the words. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={SHAPES[name]} />
    </svg>
  );
}
