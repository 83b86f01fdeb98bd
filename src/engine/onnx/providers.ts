import { QuarryError } from '../../errors/index.js';
import type { ErrorBound } from '../contract.js';

/** Supported execution providers of onnxruntime. */
export const ONNX_PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'dml', 'coreml'] as const;

/** Name of an execution provider. */
export type OnnxProvider = (typeof ONNX_PROVIDERS)[number];

/**
 * Error bounds of a provider's f32. NVIDIA's libraries round inputs of f32 products to TF32, which this binding cannot
 * turn off; toy models of 8 layers were off by up to 7e-5 in loss and 1e-5 in distance, and the bounds are ten times
 * that. CoreML may compute in f16.
 */
export const PROVIDER_BOUNDS: Readonly<Record<OnnxProvider, ErrorBound>> = {
  cpu: { loss: 0, distance: 0 },
  webgpu: { loss: 0, distance: 0 },
  dml: { loss: 0, distance: 0 },
  cuda: { loss: 7e-4, distance: 1e-4 },
  tensorrt: { loss: 7e-4, distance: 1e-4 },
  coreml: { loss: 1e-2, distance: 1e-3 },
};

/** @throws QuarryError `INVALID_ARGUMENT` when the provider is unknown */
export function providerOf(name: string): OnnxProvider {
  const provider = ONNX_PROVIDERS.find((known) => known === name);
  if (provider === undefined) {
    throw new QuarryError('INVALID_ARGUMENT', `unknown onnxruntime provider "${name}"`, {
      hint: `Choose one of ${ONNX_PROVIDERS.join(', ')}.`,
    });
  }
  return provider;
}
