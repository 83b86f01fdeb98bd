import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { weightsBytes } from '../native/models.js';

/** A model so narrow that 1,024 chunks take seconds. */
export const MEBIBYTE_CONFIG: ModelConfig = {
  ...MODEL_CONFIGS.small,
  embeddingDim: 4,
  numHeads: 1,
  numLayers: 1,
  hiddenDim: 8,
};

/** Its weights, as a file. */
export function mebibyteWeights(): Uint8Array {
  return weightsBytes(MEBIBYTE_CONFIG);
}
