import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useIsDark } from '../app/theme.ts';
import { formatNumber } from '../format/number.ts';
import { formatClock } from '../format/time.ts';
import type { Column, Scale, XAxis } from './align.ts';
import { resolveColor } from './colors.ts';

export interface Line {
  name: string;
  /** The CSS variable that holds the colour. */
  color: string;
}

export interface Reading {
  line: string;
  x: string;
  y: string;
}

interface Props {
  lines: readonly Line[];
  data: [number[], ...Column[]];
  x: XAxis;
  scale: Scale;
  label: string;
  onRead: (reading: Reading | undefined) => void;
}

const HEIGHT = 190;
const FONT = '11px system-ui, sans-serif';
/** Panels on one page move their crosshairs together. */
const CROSSHAIR = 'millrace';

export function LineChart({ lines, data, x, scale, label, onRead }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const dark = useIsDark();
  const latest = useRef({ data, onRead });
  latest.current = { data, onRead };
  const shape = JSON.stringify(lines);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new theme has new colours, though the code does not name it
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const drawn = JSON.parse(shape) as Line[];
    const read = (reading: Reading | undefined) => latest.current.onRead(reading);
    const options = chartOptions(element, drawn, x, scale, read);
    plot.current = new uPlot(options, latest.current.data as uPlot.AlignedData, element);
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, x, scale, dark]);

  useEffect(() => {
    if (plot.current !== null && plot.current.data !== data) replaceData(plot.current, data as uPlot.AlignedData);
  }, [data]);

  return <div ref={host} className="chart" role="img" aria-label={label} />;
}

/** New points move the view along, unless the user has zoomed into a part. */
function replaceData(plot: uPlot, data: uPlot.AlignedData): void {
  const { min, max } = plot.scales.x ?? {};
  const before = plot.data[0];
  const zoomed = before.length > 0 && (min !== before[0] || max !== before.at(-1));
  plot.setData(data, !zoomed);
  if (zoomed) plot.redraw();
}

function chartOptions(
  host: HTMLElement,
  lines: readonly Line[],
  x: XAxis,
  scale: Scale,
  read: (reading: Reading | undefined) => void,
): uPlot.Options {
  const color = (token: string) => resolveColor(host, token);
  const axis = { stroke: color('--text-faint'), font: FONT, ticks: { show: false } };
  const grid = { stroke: color('--line-faint'), width: 1 };
  const showX = (value: number) => (x === 'step' ? String(value) : formatClock(value));
  return {
    width: host.clientWidth,
    height: HEIGHT,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    focus: { alpha: lines.length > 1 ? 0.25 : 1 },
    cursor: { y: false, focus: { prox: 1e6 }, drag: { x: true, y: false }, sync: { key: CROSSHAIR, setSeries: false } },
    scales: { x: { time: false }, y: { distr: scale === 'log' ? 3 : 1 } },
    axes: [
      { ...axis, grid: { show: false }, size: 26, values: (_, splits) => splits.map(showX), incrs: xSteps(x) },
      {
        ...axis,
        grid,
        size: 54,
        values: (_, splits) => splits.map((value) => (value === null ? '' : formatNumber(value))),
      },
    ],
    series: [
      {},
      ...lines.map((line) => {
        const stroke = color(line.color);
        return { label: line.name, stroke, width: 1.5, points: { size: 5, fill: stroke } };
      }),
    ],
    hooks: { setCursor: [(plot) => read(readingAt(plot, showX))] },
  };
}

/** Steps are whole; marks on the time axis stand on round seconds, minutes and hours. */
function xSteps(x: XAxis): number[] {
  const wholes = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();
  return x === 'step'
    ? wholes
    : [0.001, 0.01, 0.1, 1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 21_600, 86_400, 604_800];
}

/** The point nearest to the pointer: on its column, the line closest in height. Panels that only follow read nothing. */
function readingAt(plot: uPlot, showX: (value: number) => string): Reading | undefined {
  const { idx, top, event } = plot.cursor;
  if (!event || idx === null || idx === undefined || top === undefined || top < 0) return undefined;
  let best: { series: number; away: number } | undefined;
  for (let series = 1; series < plot.data.length; series += 1) {
    const value = plot.data[series]?.[idx];
    if (typeof value !== 'number') continue;
    const away = Math.abs(plot.valToPos(value, 'y') - top);
    if (best === undefined || away < best.away) best = { series, away };
  }
  if (best === undefined) return undefined;
  const value = plot.data[best.series]?.[idx] as number;
  const name = plot.series[best.series]?.label;
  return { line: typeof name === 'string' ? name : '', x: showX(plot.data[0][idx] as number), y: formatNumber(value) };
}
