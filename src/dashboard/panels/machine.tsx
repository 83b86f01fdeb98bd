import { useMemo } from 'preact/hooks';
import { formatBytes } from '../../text/quantity.js';
import { Chart } from '../chart.js';
import { compact, percent } from '../format.js';
import type { Vitals } from '../wire.js';
import { timeLabel } from './earnings.js';

interface MachineProps {
  readonly vitals: Vitals | undefined;
  readonly isDark: boolean;
}

type Point = Vitals['points'][number];

/** Speed, store, disk and reach over time. */
export function Machine({ vitals, isDark }: MachineProps) {
  const points = useMemo(() => vitals?.points ?? [], [vitals]);
  if (points.length < 2) return null;
  const growth = growthOf(points);
  return (
    <section class="panel wide" aria-labelledby="machine">
      <h2 id="machine">Machine</h2>
      <p class="note">The last two days, a point a minute{growth === undefined ? '' : `; the store grows ${growth}`}</p>
      <div class="pair">
        <Over
          name="samples/s"
          colour="accent"
          points={points}
          value={(p) => p.samplesPerSecond}
          format={compact}
          isDark={isDark}
        />
        <Over name="store" colour="accepted" points={points} value={(p) => p.storeBytes} inBytes isDark={isDark} />
        <Over name="disk free" colour="lost" points={points} value={(p) => p.diskFreeBytes} inBytes isDark={isDark} />
        <Over name="reach" colour="accent" points={points} value={(p) => p.reach} format={percent} isDark={isDark} />
      </div>
    </section>
  );
}

interface OverProps {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly Point[];
  readonly value: (point: Point) => number | undefined;
  /** Unused for bytes. */
  readonly format?: (value: number) => string;
  readonly inBytes?: boolean;
  readonly isDark: boolean;
}

function Over({ name, colour, points: all, value, format = formatBytes, inBytes = false, isDark }: OverProps) {
  const points = useMemo(() => all.filter((point) => value(point) !== undefined), [all]);
  const x = useMemo(() => points.map(({ at }) => at / 1_000), [points]);
  const series = useMemo(
    () => [
      {
        label: name,
        colour,
        draw: 'line' as const,
        values: points.map((point) => value(point) ?? null),
        format,
      },
    ],
    [points],
  );
  // A line needs at least two points.
  if (points.length < 2) return null;
  return <Chart label={name} kind="time" x={x} formatX={timeLabel} series={series} inBytes={inBytes} isDark={isDark} />;
}

/** Growth in bytes per day between the first and last point, if they are at least an hour apart. */
function growthOf(points: readonly Point[]): string | undefined {
  const known = points.filter((point) => point.storeBytes !== undefined);
  const [first, last] = [known[0], known.at(-1)];
  if (first?.storeBytes === undefined || last?.storeBytes === undefined) return undefined;
  const hours = (last.at - first.at) / 3_600_000;
  if (hours < 1 || last.storeBytes < first.storeBytes) return undefined;
  return `${formatBytes(((last.storeBytes - first.storeBytes) / hours) * 24)} a day`;
}
