import { normalArray } from '../../src/engine/reference/index.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { encodeSafetensors, type SafetensorsTensor } from '../../src/weights/safetensors-write.js';
import { v1Tensors } from '../../src/weights/v1-layout.js';

/** Width of the medium model, chunks of 128: what the reference engine scores in about a second. */
export const SHORT_MEDIUM: ModelConfig = { ...MODEL_CONFIGS.medium, numLayers: 2, sequenceLength: 128 };

/** Weights as training starts from: products keep their variance, norms are near the identity. */
export function initialWeights(config: ModelConfig, seed = 0): (SafetensorsTensor & { data: Float32Array })[] {
  return v1Tensors(config).map(({ name, shape, role }, i) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const spread = { weight: 1 / Math.sqrt(shape[0]!), bias: 0.02, gamma: 0.1, beta: 0.1, embedding: 1 }[role];
    const mean = role === 'gamma' ? 1 : 0;
    return { name, shape, data: normalArray(BigInt(seed * 1000 + i), count, mean, spread) };
  });
}

/** The weights as a file. */
export function weightsBytes(config: ModelConfig, seed = 0): Uint8Array {
  return encodeSafetensors(initialWeights(config, seed));
}

/** Bytes without a short period. */
export function mixedBytes(length: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + 7 + Math.floor(i / 256) * 13 + salt * 17) % 256);
}

/** Text-like bytes: letters and spaces. */
export function wordBytes(length: number, salt = 0): Uint8Array {
  const letters = 'etaoin shrdlu ,.';
  return Uint8Array.from({ length }, (_, i) => letters.charCodeAt((i * i * 7 + i * salt + salt) % letters.length));
}
