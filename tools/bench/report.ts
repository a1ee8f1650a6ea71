/** What was measured of one side, or of one limit. Fields that make no sense for a row are absent. */
export interface Measure {
  /** CPU milliseconds of the server's processes for one operation. */
  cpuMs?: number;
  /** Operations a second, and how long one took. */
  perSecond?: number;
  p50Ms?: number;
  p99Ms?: number;
  /** How much the memory of the server's processes grew at the peak, and how much they hold. */
  growthMb?: number;
  residentMb?: number;
  /** Seconds from the start of the process to its first good answer. */
  startSeconds?: number;
}

/** One thing that the project set itself. `met` is absent where it couldn't be measured. */
export interface Check {
  what: string;
  /** The measured value against the target, as text: `52× ≥ 40×`. */
  result: string;
  met: boolean;
}

export interface Row {
  id: string;
  work: string;
  mlflow?: Measure;
  millrace?: Measure;
  /** What the machine itself allows for this work. */
  limits: string[];
  checks: Check[];
  /** Whatever the reader must know: smaller sizes, a side that was left out. */
  note?: string;
  /** Every round, for the JSON file. */
  rounds?: Record<string, Measure[]>;
}

/** Three significant digits, with thousands separated: 0.0613, 9.84, 14,300. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = value >= 1000 ? Number(value.toPrecision(3)) : value;
  return rounded.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: Math.min(digits, 6) });
}

export function times(value: number): string {
  return `${number(value)}×`;
}

export function measureText(measure: Measure | undefined): string {
  if (measure === undefined) return '–';
  const parts: string[] = [];
  if (measure.startSeconds !== undefined) parts.push(`${number(measure.startSeconds)} s`);
  if (measure.cpuMs !== undefined) parts.push(`**${number(measure.cpuMs)} ms** CPU`);
  if (measure.perSecond !== undefined) parts.push(`${number(measure.perSecond)}/s`);
  if (measure.p50Ms !== undefined && measure.p99Ms !== undefined) {
    parts.push(`p50 ${number(measure.p50Ms)}, p99 ${number(measure.p99Ms)} ms`);
  }
  if (measure.growthMb !== undefined) parts.push(`+${number(measure.growthMb)} MB`);
  if (measure.residentMb !== undefined) parts.push(`${number(measure.residentMb)} MB`);
  return parts.join('; ');
}

/** How many times less this server needs: CPU, and throughput. Undefined where one side was not measured. */
export function ratios(row: Pick<Row, 'mlflow' | 'millrace'>): { cpu?: number; wall?: number } {
  const { mlflow, millrace } = row;
  const result: { cpu?: number; wall?: number } = {};
  if (mlflow?.cpuMs !== undefined && millrace?.cpuMs) result.cpu = mlflow.cpuMs / millrace.cpuMs;
  if (mlflow?.perSecond && millrace?.perSecond !== undefined) result.wall = millrace.perSecond / mlflow.perSecond;
  if (mlflow?.startSeconds !== undefined && millrace?.startSeconds) {
    result.wall = mlflow.startSeconds / millrace.startSeconds;
  }
  return result;
}

function ratioText(row: Row): string {
  const { cpu, wall } = ratios(row);
  const parts = [cpu === undefined ? '' : `CPU **${times(cpu)}**`, wall === undefined ? '' : `speed ${times(wall)}`];
  return parts.filter((part) => part !== '').join('; ') || '–';
}

/** A check that a value reaches at least, or stays at or below, its target. NaN meets nothing. */
export function atLeast(what: string, value: number, target: number, text = times): Check {
  return { what, result: `${text(value)} ≥ ${text(target)}`, met: value >= target };
}

export function atMost(what: string, value: number, target: number, text: (value: number) => string = number): Check {
  return { what, result: `${text(value)} ≤ ${text(target)}`, met: value <= target };
}

/** A check's result as a sentence that is true: `≥` turns into `<` where the target was missed. */
export function checkText(check: Check): string {
  const result = check.met ? check.result : check.result.replace('≥', '<').replace('≤', '>');
  return `${check.met ? '✓' : '✗'} ${check.what} ${result}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

export const TABLE_HEAD = [
  '| work | mlflow server | Millrace | ratio | limit of the machine | target |',
  '|---|---|---|---|---|---|',
].join('\n');

export function tableLine(row: Row): string {
  const cells = [
    row.note === undefined ? row.work : `${row.work} (${row.note})`,
    measureText(row.mlflow),
    measureText(row.millrace),
    ratioText(row),
    row.limits.join('; ') || '–',
    row.checks.map(checkText).join('<br>') || '–',
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

export function summary(rows: readonly Row[]): string {
  const checks = rows.flatMap((row) => row.checks);
  const met = checks.filter((check) => check.met).length;
  return `${met} of ${checks.length} targets met.`;
}
