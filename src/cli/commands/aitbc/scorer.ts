import type { ScoreFunction } from '../../../aitbc/index.js';
import type { ScoringEngine } from '../../../engine/contract.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../../../engine/model-config.js';
import { createReferenceEngine, normalArray } from '../../../engine/reference/index.js';
import { openSafetensors, safetensorsFromBytes } from '../../../weights/safetensors.js';
import { encodeSafetensors } from '../../../weights/safetensors-write.js';
import { v1Tensors } from '../../../weights/v1-layout.js';
import type { WeightsFile } from '../../../weights/weights-file.js';

/** A loaded model as the scoring handler wants it. */
export interface Scorer {
  readonly score: ScoreFunction;
  /** What computed it, for results and people. */
  readonly name: string;
  readonly close: () => Promise<void>;
}

export interface ScorerOptions {
  /** A safetensors file; absent: the small demonstration model with fixed random weights. */
  readonly weights?: string;
  readonly modelConfig: ModelConfigName;
  /** Default: the reference engine. */
  readonly createEngine?: (() => Promise<ScoringEngine>) | undefined;
  readonly signal: AbortSignal;
}

/** Opens an engine and a model. */
export async function openScorer(options: ScorerOptions): Promise<Scorer> {
  const { weights, modelConfig, signal } = options;
  const engine = (await options.createEngine?.()) ?? createReferenceEngine();
  const file = weights === undefined ? demonstrationWeights() : await openSafetensors(weights, { signal });
  const model = await engine.load(file, MODEL_CONFIGS[modelConfig], { signal });
  return {
    name: `${weights === undefined ? 'demonstration' : file.checksum.slice(0, 16)}/${modelConfig} on ${engine.name}`,
    score: (samples, scoreOptions) => model.score(samples, scoreOptions),
    async close() {
      await model.close();
      await engine.close();
      await file.close();
    },
  };
}

/** The small configuration with weights drawn from a fixed seed: the same numbers on every machine. */
function demonstrationWeights(): WeightsFile {
  const tensors = v1Tensors(MODEL_CONFIGS.small).map(({ name, shape, role }, i) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const data =
      role === 'weight' || role === 'embedding'
        ? normalArray(BigInt(i + 1), length, 0, 0.1)
        : new Float32Array(length).fill(role === 'gamma' ? 1 : 0);
    return { name, shape, data };
  });
  return safetensorsFromBytes(encodeSafetensors(tensors));
}
