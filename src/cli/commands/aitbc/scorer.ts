import type { ScoreFunction } from '../../../aitbc/index.js';
import type { ScoringEngine } from '../../../engine/contract.js';
import { createJsEngine } from '../../../engine/js/index.js';
import { normalArray } from '../../../engine/reference/index.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../../../weights/model-config.js';
import { openSafetensors, safetensorsFromBytes } from '../../../weights/safetensors.js';
import { encodeSafetensors } from '../../../weights/safetensors-write.js';
import { v1Tensors } from '../../../weights/v1-layout.js';
import type { WeightsFile } from '../../../weights/weights-file.js';

/** A loaded model, as used by the scoring handler. */
export interface Scorer {
  readonly score: ScoreFunction;
  /** Names engine and model, for results and people. */
  readonly name: string;
  readonly close: () => Promise<void>;
}

/** Which model to score with. */
export interface ScorerOptions {
  /** A safetensors file. Default: the small demonstration model with fixed random weights. */
  readonly weights?: string | undefined;
  readonly modelConfig: ModelConfigName;
  /** Default: the best available engine for `weights`, the JavaScript engine for the demonstration model. */
  readonly createEngine?: (() => Promise<ScoringEngine>) | undefined;
  readonly signal: AbortSignal;
}

/** Opens an engine and a model. */
export async function openScorer(options: ScorerOptions): Promise<Scorer> {
  const { weights, modelConfig, signal } = options;
  const engine = (await options.createEngine?.()) ?? (await defaultEngine(weights, modelConfig));
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

/** The best available engine. The demonstration model is so small that plain JavaScript is as fast. */
async function defaultEngine(weights: string | undefined, modelConfig: ModelConfigName): Promise<ScoringEngine> {
  if (weights === undefined) return createJsEngine();
  const { chooseEngine } = await import('../../../engine/choose-engine.js');
  return (await chooseEngine({ engine: 'auto' }, MODEL_CONFIGS[modelConfig])).engine;
}

/** The small configuration with weights from a fixed seed: identical on every machine. */
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
