import type { ModelConfig } from '../weights/model-config.js';
import type { EngineSpec, ScoringEngineName } from './engine-spec.js';
import { usableCores } from './usable-cores.js';

/** User options for the engine; everything left out is chosen automatically. */
export interface EngineOptions extends Omit<EngineSpec, 'engine' | 'threads' | 'device' | 'provider'> {
  /** The engine to use; `auto` measures those that are available and takes the fastest. */
  readonly engine: ScoringEngineName | 'auto';
  /** onnxruntime execution provider. Default `auto`: CUDA if complete, else WebGPU on a GPU, else `cpu`. */
  readonly provider?: string | undefined;
  /** Worker threads; with `devices`, per device. Default: one for wide models, else one per core. */
  readonly workers?: number | undefined;
  /** Devices of the onnxruntime provider, by index, each with its own engine. Default: the provider's first. */
  readonly devices?: readonly number[] | undefined;
  /** Threads per worker. Default: wide models share the cores out among the workers, others get one each. */
  readonly threads?: number | undefined;
  /** File that caches the speeds measured by `auto`. Default: none, they are measured on every start. */
  readonly speedFile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Models at least this wide keep all cores busy with one sample; for smaller ones, workers score samples in parallel.
 */
const WIDE_EMBEDDING = 512;

/** Number of workers, and threads per worker, for a model. */
export function shareOf(
  options: Omit<EngineOptions, 'engine'>,
  config: ModelConfig,
): { workers: number; threads: number } {
  const wide = config.embeddingDim >= WIDE_EMBEDDING;
  const cores = usableCores();
  const workers = options.workers ?? (wide ? 1 : cores);
  return { workers, threads: options.threads ?? (wide ? Math.max(1, Math.floor(cores / workers)) : 1) };
}

/** The options that are sent to worker threads. */
export function specOf(
  engine: ScoringEngineName,
  options: Omit<EngineOptions, 'engine'>,
  threads: number | undefined,
): EngineSpec {
  const { workers: _workers, speedFile: _file, signal: _signal, threads: _threads, devices, ...rest } = options;
  return { ...rest, engine, threads, ...(devices !== undefined && { device: devices[0] }) };
}
