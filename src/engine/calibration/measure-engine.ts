import { QuarryError, throwIfAborted } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';
import { safetensorsFromBytes } from '../../weights/safetensors.js';
import { encodeSafetensors, type SafetensorsTensor } from '../../weights/safetensors-write.js';
import { elementsOf, v1Tensors } from '../../weights/v1-layout.js';
import { createScoringEngine, type EngineSpec } from '../engine-spec.js';
import { assertSameScore, needsCheck, trustedScore } from './check-scores.js';
import { chunkFlops, probeShape } from './probe-shape.js';

/** Time for repetitions per engine, milliseconds. */
const BUDGET_MS = 120;
const MAX_RUNS = 5;

/**
 * Measures an engine's speed on one layer of a model, in FLOP/s: best of a few runs within a fraction of a second. The
 * scores of a GPU are checked first.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the engine computes in another format than the requested one
 * @throws QuarryError `ENGINE_FAILED` when a GPU's scores are wrong
 * @throws QuarryError whatever building, loading or scoring throws
 */
export async function measureEngine(spec: EngineSpec, config: ModelConfig, signal?: AbortSignal): Promise<number> {
  const shape = probeShape(config, spec.engine);
  const sample = Uint8Array.from({ length: shape.sequenceLength }, (_, i) => (i * 37 + (i >> 3)) & 255);
  // No cache directory: the probe's random weights must not be kept on disk.
  const { cacheDir: _cacheDir, ...inMemory } = spec;
  const engine = await createScoringEngine(inMemory);
  try {
    const weights = safetensorsFromBytes(probeWeights(shape));
    const model = await engine.load(weights, shape, { signal });
    try {
      if (model.note !== undefined) throw new QuarryError('ENGINE_UNAVAILABLE', model.note);
      if (needsCheck(spec)) {
        const [score] = await model.score([sample]);
        const want = await trustedScore(weights, shape, sample, signal);
        assertSameScore(score!, want, model.errorBound, engine.name);
      }
      let best = Number.POSITIVE_INFINITY;
      const began = performance.now();
      for (let run = 0; run < MAX_RUNS && (run < 2 || performance.now() - began < BUDGET_MS); run++) {
        throwIfAborted(signal, 'measuring engines');
        const start = performance.now();
        await model.score([sample]);
        const took = performance.now() - start;
        // Skip the first run, which warms caches and generates noise, unless it is too slow for that to matter.
        if (run > 0 || took > BUDGET_MS) best = Math.min(best, took);
        if (took > BUDGET_MS) break;
      }
      return (chunkFlops(shape) / best) * 1000;
    } finally {
      await model.close();
    }
  } finally {
    await engine.close();
  }
}

/** Number of distinct values; the weights repeat them. */
const BLOCK = 65_536;

/** Small values of both signs, generated quickly: the values do not affect how long products take. */
function probeWeights(shape: ModelConfig): Uint8Array {
  const block = new Float32Array(BLOCK);
  let state = 0x2545f491;
  for (let i = 0; i < BLOCK; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    block[i] = (state / 2 ** 31) * 0.03;
  }
  return encodeSafetensors(
    v1Tensors(shape).map((tensor): SafetensorsTensor => {
      const length = elementsOf(tensor);
      const data = new Float32Array(length);
      if (tensor.role === 'gamma') data.fill(1);
      else for (let at = 0; at < length; at += BLOCK) data.set(block.subarray(0, Math.min(BLOCK, length - at)), at);
      return { ...tensor, data };
    }),
  );
}
