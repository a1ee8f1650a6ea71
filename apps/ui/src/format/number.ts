/** Four significant digits: enough to tell runs apart. The full value is a hover or a copy away. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isSafeInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return trimZeros(value.toExponential(3));
  if (size >= 1000) return value.toFixed(0);
  return trimZeros(value.toPrecision(4));
}

/** Text that is a long decimal fraction, such as `0.8248969244341366`, as a number is shown; any other text as it is. */
export function shortenDecimal(text: string): string {
  return text.length > 8 && /^-?\d*\.\d+(e[-+]?\d+)?$/i.test(text) ? formatNumber(Number(text)) : text;
}

function trimZeros(text: string): string {
  const [mantissa = '', exponent] = text.split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return exponent === undefined ? short : `${short}e${exponent.replace('+', '')}`;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

export function formatBytes(bytes: number): string {
  let unit = 0;
  let size = bytes;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toPrecision(3)} ${UNITS[unit]}`;
}
