import type { ModelConfig } from '../weights/model-config.js';
import { chunkFlops } from './calibration/probe-shape.js';
import type { ScoringEngineName } from './engine-spec.js';
import type { WebGpuProbe } from './gpu/request-adapter.js';

/** For cheaper chunks the native core is ten times as fast as any other engine, so measuring is not worth the time. */
export const CHEAP_CHUNK_FLOPS = 1e9;

/** Name that stands for the default provider of the machine. */
const AUTO = 'auto';

/** The provider to use with onnxruntime. */
export interface ResolvedProvider {
  readonly provider: string | undefined;
  /** Why it was chosen; `undefined` if it was named or none is needed. */
  readonly reason: string | undefined;
}

/**
 * The named provider, or the default of this machine if onnxruntime may be chosen. Probing for a GPU takes a fraction of a
 * second and is skipped for models so small that the native core is fastest anyway.
 *
 * @param known the machine's WebGPU adapter, if it was requested before
 */
export async function resolveProvider(
  named: string | undefined,
  engine: ScoringEngineName | 'auto',
  config?: ModelConfig,
  known?: WebGpuProbe,
): Promise<ResolvedProvider> {
  if (named !== undefined && named !== AUTO) return { provider: named, reason: undefined };
  const isSmall = engine === 'auto' && config !== undefined && chunkFlops(config) <= CHEAP_CHUNK_FLOPS;
  if (isSmall || (engine !== 'auto' && engine !== 'onnx')) return { provider: undefined, reason: undefined };
  const { chooseProviderHere } = await import('./onnx/requirements/index.js');
  return chooseProviderHere(undefined, known);
}
