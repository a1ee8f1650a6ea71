const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export const formatNumber = (value: number): string => value.toLocaleString('en');

export function formatBytes(count: number): string {
  const power = count === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}
