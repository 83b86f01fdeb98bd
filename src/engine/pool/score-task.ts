import type { ModelConfig } from '../../weights/model-config.js';
import type { ErrorBound, Precision } from '../contract.js';
import type { EngineSpec } from '../engine-spec.js';

/** What every worker is started with. */
export interface ScoreWorkerData {
  readonly engine: EngineSpec;
  /** Devices that workers take in turn, each its own; absent where the engine has no choice of them. */
  readonly devices?: readonly number[] | undefined;
  /** How many workers have taken one: an i32 that they share. */
  readonly taken: SharedArrayBuffer;
  /** The broadcast channel on which workers are asked to let go of models. */
  readonly releases: string;
}

/** Asks every worker to let go of a model, and what each answers once it has. */
export type ReleaseMessage = { readonly release: string } | { readonly released: string };

/** Which weights a task is about. */
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
    };

/** What comes back. Failures travel as data: an error class does not survive the way between threads. */
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
