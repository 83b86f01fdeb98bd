import { normalArray, SIG_REG } from '../src/engine/reference/index.js';
import { QuarryError } from '../src/errors/index.js';
import { loadAddon } from '../src/native/addon.js';
import { breathe } from './breathe.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** Widths of embeddings: the noise of one batch is as wide, for each of SIGReg's slices. */
const CASES = [
  ['noise of the full V1 model', 2048],
  ['noise of the medium model', 256],
] as const;

/** Best seconds of `repeats` runs. */
async function bestSeconds(repeats: number, signal: AbortSignal | undefined, work: () => void): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < repeats; run++) {
    await breathe(signal);
    const start = performance.now();
    work();
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return best;
}

/** Elements whose bits differ. Zero, or the generator is another one. */
function differences(got: Float32Array, want: Float32Array): number {
  const a = new Uint32Array(got.buffer, got.byteOffset, got.length);
  const b = new Uint32Array(want.buffer, want.byteOffset, want.length);
  return a.reduce((count, bits, i) => count + (bits === b[i] ? 0 : 1), 0);
}

/**
 * Normally distributed noise by ChaCha12 and the ziggurat, draws per second on one thread: the native core beside the
 * reference. Every bit is compared before anything is timed, at seeds that meet the tails.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the native core is not built
 * @throws QuarryError `ENGINE_FAILED` when a single bit differs
 */
export async function* run(options: BenchOptions = {}): AsyncIterable<BenchResult> {
  const core = loadAddon();
  for (const [name, width] of options.quick ? CASES.slice(1) : CASES) {
    const draws = width * SIG_REG.slices;
    const out = new Float32Array(draws);
    for (const seed of [0n, 1n, 2n ** 64n - 1n]) {
      core.normalDraws(seed, out);
      const wrong = differences(out, normalArray(seed, draws));
      if (wrong > 0) {
        throw new QuarryError('ENGINE_FAILED', 'native noise differs from the reference', {
          details: { wrong, draws, seed: seed.toString() },
        });
      }
    }
    const repeats = options.quick ? 3 : 9;
    const native = await bestSeconds(repeats, options.signal, () => core.normalDraws(0n, out));
    const reference = await bestSeconds(Math.min(3, repeats), options.signal, () => void normalArray(0n, draws));
    yield benchResult({
      bench: 'rng',
      case: `${name}, ${draws} draws`,
      engine: 'native',
      precision: 'f32',
      threads: 1,
      value: draws / native,
      unit: 'draws/s',
      error: 0,
      peer: 'reference',
      peerRatio: reference / native,
    });
    yield benchResult({
      bench: 'rng',
      case: `${name}, ${draws} draws`,
      engine: 'reference',
      precision: 'f32',
      threads: 1,
      value: draws / reference,
      unit: 'draws/s',
      error: 0,
      note: 'the reference itself',
    });
  }
}
