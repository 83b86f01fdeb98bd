import type { MemorySample } from '../../bench/soak-probe.js';
import { floors, type Point, slopePerHour } from '../../bench/soak-slope.js';

const MIB = 2 ** 20;
/** Minutes in which heaps and arenas reach their size, and growth is not judged. */
const SETTLING_MINUTES = 10;
/** How far the floor of the miner's memory may rise from the third quarter to the fourth, MiB. */
const MOST_RISE = { heapUsed: 8, anonymous: 48 } as const;
const NAMES = { heapUsed: 'heap', anonymous: 'all but mapped files' } as const;

type Kind = keyof typeof MOST_RISE;

/** Reports a leak of the miner's memory; nothing after a run that is too short to tell. */
export function grown(samples: readonly MemorySample[], minutes: number): string[] {
  if (minutes < 4 * SETTLING_MINUTES) return [];
  return (Object.keys(MOST_RISE) as Kind[]).flatMap((kind) => {
    const [third, fourth] = floors(mibOf(samples, kind));
    const rise = fourth - third;
    return rise > MOST_RISE[kind]
      ? [`the least of ${kind} rose by ${rise.toFixed(0)} MiB in a quarter of the time`]
      : [];
  });
}

/** A line about the memory of a process. */
export function memoryLine(
  whose: string,
  samples: readonly MemorySample[],
  minutes: number,
  kinds: readonly Kind[],
): string {
  const long = minutes < 2 * SETTLING_MINUTES ? ', too short a run to judge' : '';
  return `memory of ${whose}: ${kinds.map((kind) => growth(samples, kind)).join('; ')}${long}`;
}

/** The last value, the floor in the last two quarters and the slope of the second half: the first fills caches. */
function growth(samples: readonly MemorySample[], kind: Kind): string {
  const points = mibOf(samples, kind);
  const [third, fourth] = floors(points).map((value) => value.toFixed(0));
  const slope = slopePerHour(points.slice(points.length >> 1)).toFixed(0);
  const last = (points.at(-1)?.value ?? 0).toFixed(1);
  return `${NAMES[kind]} ${last} MiB, least ${third} and then ${fourth}, ${slope} MiB an hour`;
}

function mibOf(samples: readonly MemorySample[], kind: Kind): Point[] {
  return samples.map((sample) => ({ atMs: sample.atMs, value: sample[kind] / MIB }));
}
