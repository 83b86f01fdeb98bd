import type { Sample } from '../../sources/index.js';
import type { FarRows } from '../../store/index.js';

/** Samples on their way to where they are kept: enough for many scorers at once. */
const MOST_IN_FLIGHT = 2_048;

/**
 * Has samples scored and kept elsewhere, in the order in which they come; those that are too large for that are given on.
 *
 * @param onUnit called when every unit before this one is kept, whenever that has changed
 */
export async function* keptElsewhere(
  samples: AsyncIterable<Sample>,
  keep: NonNullable<FarRows['keep']>,
  onUnit: (unit: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Sample> {
  const inFlight: { readonly sample: Sample; readonly kept: Promise<boolean> }[] = [];
  let unit = 0;
  const oldest = async function* (): AsyncGenerator<Sample> {
    const first = inFlight.shift();
    if (first === undefined) return;
    if (!(await first.kept)) yield first.sample;
    if (first.sample.unit !== unit) onUnit(first.sample.unit);
    unit = first.sample.unit;
  };
  for await (const sample of samples) {
    const kept = keep(sample.bytes, signal);
    // It is looked at when its turn comes.
    kept.catch(() => {});
    inFlight.push({ sample, kept });
    if (inFlight.length >= MOST_IN_FLIGHT) yield* oldest();
  }
  while (inFlight.length > 0) yield* oldest();
}
