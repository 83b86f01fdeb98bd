import { QuarryError } from '../../errors/index.js';
import type { ErrorBound } from '../contract.js';

/** Execution providers of onnxruntime that make sense here. */
export const ONNX_PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'dml', 'coreml'] as const;

/** A name in {@link ONNX_PROVIDERS}. */
export type OnnxProvider = (typeof ONNX_PROVIDERS)[number];

/**
 * How far a provider's f32 may be from the reference. NVIDIA's libraries round the inputs of f32 products to TF32 unless
 * told otherwise, which this binding cannot do; toy models of 8 layers moved by up to 7e-5 in loss and 1e-5 in distance,
 * and these are ten times that. CoreML may compute in f16.
 */
export const PROVIDER_BOUNDS: Readonly<Record<OnnxProvider, ErrorBound>> = {
  cpu: { loss: 0, distance: 0 },
  webgpu: { loss: 0, distance: 0 },
  dml: { loss: 0, distance: 0 },
  cuda: { loss: 7e-4, distance: 1e-4 },
  tensorrt: { loss: 7e-4, distance: 1e-4 },
  coreml: { loss: 1e-2, distance: 1e-3 },
};

/** @throws QuarryError `INVALID_ARGUMENT` when there is no provider of that name */
export function providerOf(name: string): OnnxProvider {
  const provider = ONNX_PROVIDERS.find((known) => known === name);
  if (provider === undefined) {
    throw new QuarryError('INVALID_ARGUMENT', `unknown onnxruntime provider "${name}"`, {
      hint: `Choose one of ${ONNX_PROVIDERS.join(', ')}.`,
    });
  }
  return provider;
}
