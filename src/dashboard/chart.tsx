import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { withoutRepeats } from './format.js';
import { colour } from './theme.js';

/** A line, a row of bars or a scatter of points. */
export interface Series {
  readonly label: string;
  /** Name of a colour in the style sheet. */
  readonly colour: string;
  readonly draw: 'line' | 'bars' | 'points';
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
  /** Values for the legend if they differ from those drawn, as in stacked bars. */
  readonly told?: readonly (number | null)[];
  /** Bar width as a fraction of its slot. Default 0.7. */
  readonly width?: number;
  /** Dashed, for bounds. */
  readonly isDashed?: boolean;
}

export interface ChartProps {
  readonly label: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  /** Formats a position on the x axis. */
  readonly formatX: (x: number) => string;
  /** `time`: seconds since the Unix epoch. `place`: integers, each with its own label. */
  readonly kind: 'time' | 'place';
  /** Whether the y axis starts at 0. Default true. */
  readonly fromZero?: boolean;
  /** Whether the y axis has ticks at powers of two, for bytes. Default false. */
  readonly inBytes?: boolean;
  /** Current theme: colours are read again when it changes. */
  readonly isDark: boolean;
}

const HEIGHT = 190;
/** Space on the right for half of the last x axis label. */
const RIGHT = 30;
const POWERS_OF_TWO = Array.from({ length: 60 }, (_, exponent) => 2 ** exponent);

/** A chart with a legend. Move over it with the arrow keys or the pointer; the legend shows the values there. */
export function Chart(props: ChartProps) {
  const { label, x, series, formatX, isDark } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [at, setAt] = useState<number>();
  const shape = JSON.stringify([series.map(({ label: name, draw }) => [name, draw]), props.kind, isDark]);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const chart = new uPlot(optionsOf(latest, element.clientWidth, setAt), dataOf(latest.current), element);
    plot.current = chart;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) chart.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = undefined;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(dataOf(props)), [x, series]);
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || x.length === 0) return;
    event.preventDefault();
    moveTo(plot.current, Math.max(0, Math.min(x.length - 1, (at ?? (step > 0 ? -1 : x.length)) + step)), x);
  };
  const place = at === undefined ? undefined : x[at];
  return (
    <figure class="chart">
      <div
        class="plot"
        ref={host}
        role="slider"
        tabIndex={0}
        aria-label={`${label}; arrow keys read values`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, x.length - 1)}
        aria-valuenow={at ?? Math.max(0, x.length - 1)}
        aria-valuetext={textAt(props, at ?? x.length - 1)}
        onKeyDown={onKey}
      />
      <figcaption>
        {place !== undefined && <span class="place">{formatX(place)}</span>}
        {series.map((each) => (
          <span class="key" key={each.label}>
            <i class={`swatch c-${each.colour}`} />
            {each.label}
            {at !== undefined && <b>{valueText(each, at)}</b>}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function textAt({ x, series, formatX }: ChartProps, at: number): string {
  const place = x[at];
  if (place === undefined) return 'no values';
  return `${formatX(place)}: ${series.map((each) => `${each.label} ${valueText(each, at)}`).join(', ')}`;
}

function valueText({ values, told = values, format }: Series, at: number): string {
  const value = told[at];
  return value === null || value === undefined ? '–' : format(value);
}

function moveTo(chart: uPlot | undefined, index: number, x: readonly number[]): void {
  const place = x[index];
  if (chart === undefined || place === undefined) return;
  chart.setCursor({ left: chart.valToPos(place, 'x'), top: 10 });
}

function dataOf({ x, series }: ChartProps): uPlot.AlignedData {
  return [[...x], ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
}

function optionsOf(
  latest: { readonly current: ChartProps },
  width: number,
  onPlace: (index: number | undefined) => void,
): uPlot.Options {
  const { series, kind, fromZero = true, inBytes = false } = latest.current;
  const text = colour('muted');
  const axis = {
    stroke: text,
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [null, RIGHT, null, null],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: kind === 'time', range: () => placesOf(latest.current) },
      y: { range: (_, min, max) => rangeOf(min, max, fromZero) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 76,
        values: (_, places) => {
          const { formatX } = latest.current;
          return withoutRepeats(
            places.map((place) => (kind === 'place' && !Number.isInteger(place) ? '' : formatX(place))),
          );
        },
      },
      {
        ...axis,
        size: 58,
        ...(inBytes && { incrs: POWERS_OF_TWO }),
        values: (_, values) => values.map((value) => latest.current.series[0]?.format(value) ?? String(value)),
      },
    ],
    series: [{}, ...series.map(seriesOf)],
    hooks: { setCursor: [(chart) => onPlace(chart.cursor.idx ?? undefined)] },
  };
}

/** Range of the x axis; a single position is centred. */
function placesOf({ x, kind }: ChartProps): [number, number] {
  const [first = 0, last = 0] = [x[0], x.at(-1)];
  if (kind === 'place') return [first - 0.5, last + 0.5];
  return first === last ? [first - 1_800, last + 1_800] : [first, last];
}

function rangeOf(min: number | null, max: number | null, fromZero: boolean): [number, number] {
  if (min === null || max === null) return [0, 1];
  const low = fromZero ? Math.min(0, min) : min;
  const span = max - low;
  const margin = span === 0 ? Math.abs(max) * 0.1 || 1 : span * 0.08;
  return [fromZero ? low : low - margin, max + margin];
}

function seriesOf({ label, colour: name, draw, isDashed = false, width = 0.7 }: Series): uPlot.Series {
  const stroke = colour(name);
  const shared = { label, stroke, width: 1.5, points: { show: false } };
  if (draw === 'line') return { ...shared, ...(isDashed && { dash: [5, 4] }), spanGaps: false };
  if (draw === 'points')
    return { ...shared, paths: () => null, points: { show: true, size: 5, fill: stroke, width: 0 } };
  const paths = uPlot.paths.bars?.({ size: [width, 64 * width, 1] });
  return { ...shared, fill: stroke, width: 0, ...(paths !== undefined && { paths }) };
}
