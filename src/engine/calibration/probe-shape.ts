import type { ModelConfig } from '../../weights/model-config.js';
import type { ScoringEngineName } from '../engine-spec.js';

/** FLOPs of one chunk. A multiply-add counts as two; masked attention scores do not count. */
export function chunkFlops(config: ModelConfig): number {
  const { embeddingDim: e, hiddenDim: h, numLayers: l, vocabSize: v, sequenceLength: t } = config;
  return l * (8 * e * e * t + 4 * e * h * t + 4 * e * ((t * (t + 1)) / 2)) + 2 * e * v * t + 2 * e * 256 * t;
}

/** Largest shape measured per engine. Wider models have the same speed per FLOP but take longer to generate. */
const LIMITS: Readonly<Record<ScoringEngineName, { readonly width: number; readonly tokens: number }>> = {
  native: { width: 768, tokens: 128 },
  onnx: { width: 768, tokens: 128 },
  // JavaScript is a thousand times slower than the others, and its speed hardly depends on the width.
  js: { width: 128, tokens: 32 },
  reference: { width: 128, tokens: 32 },
};

/** A one-layer variant of `config`, only as wide as needed to measure the engine, which scores in milliseconds. */
export function probeShape(config: ModelConfig, engine: ScoringEngineName): ModelConfig {
  const limit = LIMITS[engine];
  const headDim = config.embeddingDim / config.numHeads;
  const numHeads = Math.max(1, Math.min(config.numHeads, Math.floor(limit.width / headDim)));
  const embeddingDim = numHeads * headDim;
  return {
    ...config,
    numHeads,
    embeddingDim,
    hiddenDim: Math.max(1, Math.round((config.hiddenDim * embeddingDim) / config.embeddingDim)),
    numLayers: Math.min(1, config.numLayers),
    sequenceLength: Math.min(config.sequenceLength, limit.tokens),
  };
}
