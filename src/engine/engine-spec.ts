import { QuarryError } from '../errors/index.js';
import type { IsaLevel } from '../native/isa-level.js';
import type { Precision, ScoringEngine } from './contract.js';
import { usableCores } from './usable-cores.js';

/** Scoring engines for mining. */
export const MINING_ENGINES = ['native', 'onnx', 'js'] as const;

/** All scoring engines, including the oracle. */
export const SCORING_ENGINES = [...MINING_ENGINES, 'reference'] as const;
/** Name of a scoring engine, as in `--engine`. */
export type ScoringEngineName = (typeof SCORING_ENGINES)[number];

/** Describes an engine to build. Plain data, which can be sent to a worker thread. */
export interface EngineSpec {
  readonly engine: ScoringEngineName;
  /** Threads per engine instance. Default: all cores for `native` and `onnx`; other engines have one. */
  readonly threads?: number | undefined;
  /** Instruction-set level of the native core. Default: the highest available. */
  readonly isa?: IsaLevel | undefined;
  /** Precision of products. Default: bf16 or f32, whichever is faster here, for `native`; f32 for the others. */
  readonly precision?: Precision | undefined;
  /** Directory for packed weights. Default: none, weights are packed in memory at every load. */
  readonly cacheDir?: string | undefined;
  /** onnxruntime execution provider. Default `cpu`. */
  readonly provider?: string | undefined;
  /** Device of the provider, by index. Default: its first. */
  readonly device?: number | undefined;
}

/**
 * Builds the engine described by a spec. Native parts are loaded only if that engine needs them.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when its binary or package is missing, with the reason
 */
export async function createScoringEngine(spec: EngineSpec): Promise<ScoringEngine> {
  const threads = spec.threads ?? usableCores();
  switch (spec.engine) {
    case 'js': {
      const { createJsEngine } = await import('./js/index.js');
      return createJsEngine();
    }
    case 'reference': {
      const { createReferenceEngine } = await import('./reference/index.js');
      return createReferenceEngine();
    }
    case 'native': {
      const { createNativeScoringEngine } = await import('./native/index.js');
      return createNativeScoringEngine({
        threads,
        isa: spec.isa,
        ...(spec.precision !== undefined && { precision: spec.precision === 'f32' ? 'f32' : 'bf16' }),
        cacheDir: spec.cacheDir,
      });
    }
    case 'onnx': {
      const { createOnnxEngine } = await import('./onnx/index.js');
      return createOnnxEngine({
        threads,
        provider: spec.provider,
        device: spec.device,
        ...(spec.precision !== undefined && { precision: spec.precision === 'f16' ? 'f16' : 'f32' }),
        cacheDir: spec.cacheDir,
      });
    }
    default:
      throw new QuarryError('ENGINE_UNAVAILABLE', `unknown scoring engine "${String(spec.engine)}"`, {
        hint: `choose one of auto, ${SCORING_ENGINES.join(', ')}`,
      });
  }
}
