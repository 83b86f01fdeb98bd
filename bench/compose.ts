import { normalArray } from '../src/engine/reference/index.js';
import { QuarryError } from '../src/errors/index.js';
import { createPool } from '../src/store/compose/create-pool.js';
import type { ComposePool, FoundParts } from '../src/store/compose/pool.js';
import { breathe } from './breathe.js';
import { median } from './quantile.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

const DIM = 2048;
/** The network's hardest threshold at this width, as z, and one that no composition comes to. */
const LEVELS = [
  ['z = 2.27', 2.27],
  ['out of reach', 40],
] as const;

/** A pool of rows in random directions, and the rows. */
async function filled(rows: number): Promise<{ pool: ComposePool; data: Float32Array; seconds: number }> {
  const pool = createPool(DIM, rows);
  const data = normalArray(1n, rows * DIM);
  const begin = performance.now();
  await pool.put(new Int32Array(rows).fill(-1), data);
  return { pool, data, seconds: (performance.now() - begin) / 1000 };
}

/** Difference between the cosine that a search reports and the one computed from its parts. */
function errorOf({ slots, cosine }: FoundParts, data: Float32Array, target: Float32Array): number {
  const sum = new Float64Array(DIM);
  for (const slot of slots) for (let k = 0; k < DIM; k++) sum[k] = sum[k]! + data[slot * DIM + k]!;
  let along = 0;
  for (let k = 0; k < DIM; k++) along += sum[k]! * target[k]!;
  return Math.abs(along / Math.hypot(...sum) / Math.hypot(...target) - cosine);
}

/**
 * Compositions in a full pool at the width of V1, for one target and for a checkpoint's hundred. Cosines are checked
 * against the rows first. Times are the fastest of thirty, in milliseconds:
 * other work on the machine only adds to them.
 *
 * @throws QuarryError `ENGINE_FAILED` when a cosine is not that of the parts
 */
export async function* run({ quick = false, signal }: BenchOptions = {}): AsyncIterable<BenchResult> {
  const rows = quick ? 512 : 4096;
  const { pool, data, seconds } = await filled(rows);
  const shared = { bench: 'compose', engine: pool.name, unit: 'ms' };
  yield benchResult({ ...shared, case: `fill a pool of ${rows} rows, width ${DIM}`, value: seconds * 1000 });
  for (const [name, z] of LEVELS) {
    for (const count of [1, 100]) {
      const times: number[] = [];
      let error = 0;
      let busy = Number.POSITIVE_INFINITY;
      for (let n = 0; n < (quick ? 3 : 30); n++) {
        await breathe(signal);
        const targets = normalArray(BigInt(1000 + n), count * DIM);
        const cosines = new Float64Array(count).fill(z / Math.sqrt(DIM));
        const [cpu, begin] = [process.cpuUsage(), performance.now()];
        const found = await pool.search({ targets, cosines, leads: [], maxParts: 16 });
        times.push(performance.now() - begin);
        const { user, system } = process.cpuUsage(cpu);
        busy = Math.min(busy, (user + system) / 1000);
        error = Math.max(error, errorOf(found[0]!, data, targets.subarray(0, DIM)));
      }
      if (error > 1e-5) {
        throw new QuarryError('ENGINE_FAILED', 'a cosine is not that of the parts', { details: { error } });
      }
      times.sort((a, b) => a - b);
      const note = `${busy.toFixed(2)} ms of processor time; median ${median(times).toFixed(2)} ms, slowest ${times.at(-1)!.toFixed(2)} ms`;
      const value = times[0]!;
      const text = `${count} target${count > 1 ? 's' : ''}, ${name}, ${rows} rows, width ${DIM}`;
      yield benchResult({ ...shared, case: text, value, error, note });
    }
  }
}
