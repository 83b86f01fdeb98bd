import { QuarryError } from '../errors/index.js';
import type { IsaLevel } from '../native/isa-level.js';
import type { Precision, ScoringEngine } from './contract.js';
import { usableCores } from './usable-cores.js';

/** Scoring engines that a user chooses among. */
export const MINING_ENGINES = ['native', 'onnx', 'js'] as const;

/** Scoring engines by name: those, and the oracle they are checked against. */
export const SCORING_ENGINES = [...MINING_ENGINES, 'reference'] as const;
/** The name of a scoring engine, as `--engine` takes it. */
export type ScoringEngineName = (typeof SCORING_ENGINES)[number];

/** Which engine to build and how. Plain data, so that it can be sent to a worker thread. */
export interface EngineSpec {
  readonly engine: ScoringEngineName;
  /** Threads of one engine instance. Default: all cores for `native` and `onnx`; the others have one. */
  readonly threads?: number | undefined;
  /** Forces a level of the native core. Default: the highest this processor has. */
  readonly isa?: IsaLevel | undefined;
  readonly precision?: Precision | undefined;
  /** Where packed weights are kept. Absent: they are packed in memory at every load. */
  readonly cacheDir?: string | undefined;
  /** onnxruntime execution provider. Default `cpu`. */
  readonly provider?: string | undefined;
  /** Which of the provider's devices, by index. Default: its first. */
  readonly device?: number | undefined;
}

/**
 * Builds the engine a spec describes. Engines with native parts are loaded only when asked for.
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
