import { useMemo } from 'preact/hooks';
import { formatDuration } from '../../text/quantity.js';
import { Chart } from '../chart.js';
import { count } from '../format.js';
import type { Histogram, History } from '../wire.js';

/** Latency of submissions. */
export function Latency({
  accepted,
  wire,
  isDark,
}: {
  accepted: Histogram | undefined;
  wire: Histogram | undefined;
  isDark: boolean;
}) {
  const { x, series, label } = useMemo(() => latencySeries(wire, accepted), [wire, accepted]);
  return (
    <section class="panel" aria-labelledby="latency">
      <h2 id="latency">Latency</h2>
      {x.length === 0 ? (
        <p class="empty">No submission has been answered yet.</p>
      ) : (
        <Chart label="Submissions by latency" kind="place" x={x} formatX={label} series={series} isDark={isDark} />
      )}
    </section>
  );
}

/** Only the bars between the first and last non-empty one. */
function latencySeries(wire: Histogram | undefined, accepted: Histogram | undefined) {
  const boundsMs = accepted?.boundsMs ?? wire?.boundsMs ?? [];
  const sums = Array.from(
    { length: boundsMs.length + 1 },
    (_, i) => (wire?.counts[i] ?? 0) + (accepted?.counts[i] ?? 0),
  );
  const first = sums.findIndex((sum) => sum > 0);
  const last = sums.findLastIndex((sum) => sum > 0);
  const places = first === -1 ? [] : sums.map((_, i) => i).slice(Math.max(0, first - 1), last + 2);
  const bound = (i: number | undefined): string => {
    const ms = i === undefined ? undefined : boundsMs[i];
    return ms === undefined ? `> ${formatDuration(boundsMs.at(-1) ?? 0)}` : `≤ ${formatDuration(ms)}`;
  };
  const bar = (name: string, colour: string, histogram: Histogram | undefined, width: number) => ({
    label: name,
    colour,
    draw: 'bars' as const,
    width,
    values: places.map((i) => histogram?.counts[i] ?? 0),
    format: (value: number) => count(Math.round(value * 10) / 10),
  });
  return {
    x: places.map((_, i) => i),
    label: (place: number) => (places[place] === undefined ? '' : bound(places[place])),
    series: [bar('hit to accepted', 'accepted', accepted, 0.8), bar('hit to wire', 'lost', wire, 0.3)],
  };
}

/** Distances of submissions. */
export function Distances({ points, isDark }: { readonly points: History['distances']; readonly isDark: boolean }) {
  const { x, series } = useMemo(() => {
    const oldestFirst = [...points].reverse();
    const format = (value: number): string => value.toFixed(3);
    const cloud = (name: string, isOne: (outcome: string) => boolean, colour: string) => ({
      label: name,
      colour,
      draw: 'points' as const,
      values: oldestFirst.map(({ distance, outcome }) => (isOne(outcome) ? distance : null)),
      format,
    });
    return {
      x: oldestFirst.map((_, i) => i),
      series: [
        cloud('accepted', (outcome) => outcome === 'accepted', 'accepted'),
        cloud('lost', (outcome) => outcome === 'lost', 'lost'),
        cloud('other', (outcome) => outcome !== 'accepted' && outcome !== 'lost', 'rejected'),
        {
          label: 'threshold',
          colour: 'muted',
          draw: 'line' as const,
          isDashed: true,
          values: oldestFirst.map(({ threshold }) => threshold),
          format,
        },
      ],
    };
  }, [points]);
  return (
    <section class="panel" aria-labelledby="distances">
      <h2 id="distances">Distance against threshold</h2>
      {points.length === 0 ? (
        <p class="empty">No distances yet.</p>
      ) : (
        <Chart
          label="Distances of submissions, oldest first"
          kind="place"
          x={x}
          formatX={(place) => `${place + 1}`}
          series={series}
          fromZero={false}
          isDark={isDark}
        />
      )}
    </section>
  );
}

/** Reasons why submissions fail. */
export function Causes({ causes }: { readonly causes: History['causes'] }) {
  const most = Math.max(1, ...causes.map((cause) => cause.count));
  return (
    <section class="panel" aria-labelledby="causes">
      <h2 id="causes">Lost and rejected, by cause</h2>
      {causes.length === 0 ? (
        <p class="empty">Nothing was lost or rejected.</p>
      ) : (
        <ul class="causes">
          {causes.map((cause) => (
            <li key={`${cause.outcome} ${cause.reason}`}>
              <span class="grow">
                <b class={`outcome ${cause.outcome}`}>{cause.outcome}</b> {cause.reason}
              </span>
              <span>{count(cause.count)}</span>
              <meter
                class={cause.outcome}
                min={0}
                max={most}
                value={cause.count}
                aria-label={`${cause.outcome} ${cause.reason}`}
              />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
