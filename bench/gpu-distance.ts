import { createGpuDistanceEngine, type GpuDistanceEngine } from '../src/engine/gpu/index.js';
import { createNativeDistanceEngine, nativeCapabilities } from '../src/engine/native/index.js';
import { QuarryError } from '../src/errors/index.js';
import { breathe } from './breathe.js';
import type { GpuBenchSize } from './gpu.js';
import { type BenchResult, benchResult } from './result.js';
import { DIM, makeRows, makeTargets } from './scan-data.js';
import { scanError } from './scan-error.js';

/** About one row in eighty of random directions hits; see bench/distance.ts. */
const HARDEST = 0.95;
/** No row comes this near: the scan itself. */
const UNREACHABLE = 0.5;
/** Rows of 2,048 that stay on the device: 800 MB. */
const FULL = { rows: 100_000, targets: [1, 10, 100], passes: 5 };
/** A processor takes a millisecond a row for it. */
const SMALL = { rows: 200, targets: [1, 3], passes: 1 };
const LARGEST_ERROR = 1e-5;

/** Scans of rows that stay on the device, beside the native core with all threads over the same rows in bf16. */
export async function* gpuDistanceCases({ small, limits, signal }: GpuBenchSize): AsyncIterable<BenchResult> {
  const amount = small ? SMALL : FULL;
  const engine = await createGpuDistanceEngine({ mode: 'webgpu' });
  try {
    const rows = makeRows(amount.rows, 'bf16');
    const error = await scanError(engine, rows, makeTargets(4, HARDEST), HARDEST);
    if (!(error <= LARGEST_ERROR)) {
      throw new QuarryError('ENGINE_FAILED', 'the distance scan is wrong on this device', { details: { error } });
    }
    const began = performance.now();
    const resident = await engine.prepareRows(rows);
    const uploaded = (performance.now() - began) / 1000;
    yield benchResult({
      ...{ bench: 'gpu', case: `${rows.rows} rows x ${DIM} to the device`, engine: engine.name, precision: 'f32' },
      ...{
        value: resident.bytes / uploaded,
        unit: 'B/s',
        note: `${uploaded.toFixed(2)} s, unit length and transposed first`,
      },
    });
    for (const count of amount.targets) {
      await breathe(signal);
      const seconds = await best(amount.passes, () =>
        engine.candidates(resident, makeTargets(count, 0), limitsOf(count), signal),
      );
      const native = await nativeSeconds(rows, count, amount.passes);
      const many = count > 1;
      const value = many ? (2 * rows.rows * count * DIM) / seconds : resident.bytes / seconds;
      const limit = many ? limits.f32 : limits.read;
      yield benchResult({
        ...{ bench: 'gpu', case: `${rows.rows} resident rows x ${DIM}, ${count} ${many ? 'targets' : 'target'}` },
        ...{ engine: engine.name, precision: 'f32', value, unit: many ? 'FLOP/s' : 'B/s', limit },
        ...{ ratio: value / limit, error, note: `${(seconds * 1000).toFixed(2)} ms` },
        ...(native !== undefined && { peer: 'native, rows in bf16', peerRatio: native / seconds }),
      });
    }
    resident.close();
  } finally {
    await engine.close();
  }
}

const limitsOf = (count: number): Float32Array => new Float32Array(count).fill(UNREACHABLE);

async function best(passes: number, work: () => Promise<unknown>): Promise<number> {
  let seconds = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass <= passes; pass++) {
    const began = performance.now();
    await work();
    if (pass > 0) seconds = Math.min(seconds, (performance.now() - began) / 1000);
  }
  return seconds;
}

/** Absent where the core does not load. */
async function nativeSeconds(
  rows: Parameters<GpuDistanceEngine['prepareRows']>[0],
  count: number,
  passes: number,
): Promise<number | undefined> {
  if (!nativeCapabilities().available) return undefined;
  const native = createNativeDistanceEngine();
  try {
    return await best(passes, () => native.scan(rows, makeTargets(count, UNREACHABLE), { mode: 'all' }));
  } finally {
    await native.close();
  }
}
