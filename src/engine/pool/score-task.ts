import type { ModelConfig } from '../../weights/model-config.js';
import type { ErrorBound, MixtureGoal, MixtureGradient, Precision } from '../contract.js';
import type { EngineSpec } from '../engine-spec.js';

/** Start-up data of a worker. */
export interface ScoreWorkerData {
  readonly engine: EngineSpec;
  /** Devices that workers take round-robin; absent if the engine does not support devices. */
  readonly devices?: readonly number[] | undefined;
  /** Shared i32: number of workers that have taken a device. */
  readonly taken: SharedArrayBuffer;
  /** Name of the broadcast channel for {@link ReleaseMessage}s. */
  readonly releases: string;
}

/** Asks all workers to release a model; each replies once it has. */
export type ReleaseMessage = { readonly release: string } | { readonly released: string };

/** The weights of a task. */
export interface ModelRef {
  readonly path: string;
  readonly checksum: string;
  readonly config: ModelConfig;
}

export type ScoreTask =
  | { readonly kind: 'load'; readonly model: ModelRef }
  | {
      readonly kind: 'score';
      readonly model: ModelRef;
      readonly samples: readonly Uint8Array[];
      readonly seed: bigint;
      readonly precision: 'f32' | undefined;
    }
  | {
      readonly kind: 'gradient';
      readonly model: ModelRef;
      readonly sample: Uint8Array;
      readonly direction: Float32Array;
    }
  | {
      readonly kind: 'mixture';
      readonly model: ModelRef;
      readonly mixture: Float32Array;
      readonly goal: MixtureGoal;
    };

/** Result of a task. Failures are plain data: error classes do not survive structured cloning. */
export type ScoreTaskResult =
  | {
      readonly kind: 'loaded';
      readonly name: string;
      readonly device: string;
      readonly precision: Precision;
      readonly errorBound: ErrorBound;
      readonly note?: string | undefined;
      /** Whether the engine has a backward pass. */
      readonly hasGradient: boolean;
    }
  | { readonly kind: 'gradient'; readonly gradient: Float32Array }
  | ({ readonly kind: 'mixture' } & MixtureGradient)
  | {
      readonly kind: 'scores';
      /** `[samples]` */
      readonly losses: Float64Array;
      /** `[samples, embeddingDim]` */
      readonly embeddings: Float32Array;
      readonly precisions: readonly Precision[];
    }
  | { readonly kind: 'error'; readonly error: SerialisedError };

/** A QuarryError as plain data. */
export interface SerialisedError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly retryable: boolean;
}
