import type { Sample } from '../../sources/index.js';
import type { FarRows } from '../../store/index.js';

/** Samples in flight to scorers; enough to keep many of them busy. */
const MOST_IN_FLIGHT = 2_048;

/**
 * Sends samples, in order, to be scored and kept on other machines. Yields those that are too large for that.
 *
 * @param onUnit called with a unit once all units before it are done
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
    // Awaited in order, below; a rejection before that must not count as unhandled.
    kept.catch(() => {});
    inFlight.push({ sample, kept });
    if (inFlight.length >= MOST_IN_FLIGHT) yield* oldest();
  }
  while (inFlight.length > 0) yield* oldest();
}
