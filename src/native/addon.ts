import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { QuarryError } from '../errors/index.js';
import { addonFiles, addonPath, platformPackage } from './addon-file.js';
import type { IsaLevel } from './isa-level.js';

/** A native call that runs off the event loop and can be aborted. */
export interface NativeJob<T> {
  readonly promise: Promise<T>;
  readonly abort: () => void;
}

/** Capabilities of the add-on and the processor; masks have one bit per level. */
export interface RawCapabilities {
  readonly compiled: number;
  readonly usable: number;
  readonly best: IsaLevel;
  readonly cpus: number;
}

/** Opaque handle of a model in the add-on. */
export interface NativeModel {
  readonly nativeModel: unique symbol;
}

/** Shape of a model and location of its weights, as `native/binding/model_binding.cc` reads them. */
export interface NativeModelSpec {
  readonly embedding: number;
  readonly heads: number;
  readonly layers: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly tokens: number;
  readonly batch: number;
  readonly isa: IsaLevel;
  readonly threads: number;
  readonly path: string;
  /** Triples of (dtype number, byte offset, byte length). */
  readonly tensors: Float64Array;
  /** Directory for packed weights; empty keeps them in memory. */
  readonly cacheDir: string;
  readonly checksum: string;
}

/** A score as the add-on returns it. */
export interface RawScore {
  readonly loss: number;
  readonly embedding: Float32Array;
  /** Largest mean square of a residual row; NaN if any was NaN. */
  readonly activation: number;
  /** Largest magnitude of a row maximum among attention scores; NaN if any was NaN. */
  readonly attention: number;
}

/** Number formats of the core's matrix products. */
export type NativePrecision = 'f32' | 'bf16';

/** The add-on's functions for scoring, tests and benchmarks. */
export interface NativeAddon {
  capabilities(): RawCapabilities;
  /** Peak FLOP/s of fused multiply-adds on registers. */
  probeFma(isa: IsaLevel, precision: NativePrecision, threads: number, seconds: number): NativeJob<number>;
  /** Sequential memory read bandwidth, bytes per second. */
  probeRead(threads: number, bytes: number, passes: number): NativeJob<number>;
  /** Seconds to write a file of `bytes` in blocks that bypass the page cache, as weights are written. */
  probeWrite(path: string, bytes: number, blockBytes: number): NativeJob<number>;
  createModel(spec: NativeModelSpec): NativeModel;
  closeModel(model: NativeModel): void;
  prepareModel(model: NativeModel, precision: NativePrecision): NativeJob<boolean>;
  scoreModel(
    model: NativeModel,
    samples: readonly Uint8Array[],
    seed: bigint,
    precision: NativePrecision,
    tokens?: number,
  ): NativeJob<RawScore[]>;
  /** Gradient of `direction . embedding` with respect to one-hot bytes, `[bytes, 256]`. */
  gradientOfModel(
    model: NativeModel,
    sample: Uint8Array,
    direction: Float32Array,
    precision: NativePrecision,
  ): NativeJob<Float32Array>;
  gemm(
    isa: IsaLevel,
    precision: NativePrecision,
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
  ): void;
  benchGemm(
    isa: IsaLevel,
    precision: NativePrecision,
    m: number,
    n: number,
    k: number,
    threads: number,
    repeats: number,
  ): NativeJob<{ readonly seconds: number; readonly error: number }>;
  gelu(isa: IsaLevel, x: Float32Array, y: Float32Array): void;
  toBf16(isa: IsaLevel, x: Float32Array, y: Uint16Array): void;
  layerNorm(
    isa: IsaLevel,
    rows: number,
    x: Float32Array,
    gamma: Float32Array,
    beta: Float32Array,
    y: Float32Array,
  ): number;
  sigReg(isa: IsaLevel, projections: Float32Array): number;
  crossEntropy(isa: IsaLevel, logits: Float32Array, target: number): number;
  normalDraws(seed: bigint, out: Float32Array): void;
}

const HINT = 'Run `quarry build-native`, which needs a C++20 compiler, make and python3.';

/**
 * Loads the add-on from `file`, or by default from the installed platform package or a local build. Node caches it.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when there is no add-on or it does not load on this machine
 */
export function loadAddon(file?: string): NativeAddon {
  const files = (file === undefined ? addonFiles() : [file]).filter((name) => existsSync(name));
  if (files.length === 0) {
    throw new QuarryError('ENGINE_UNAVAILABLE', 'the native core is not installed', {
      hint: HINT,
      details: { package: platformPackage(), file: file ?? addonPath() },
    });
  }
  const failures: unknown[] = [];
  for (const name of files) {
    try {
      return createRequire(import.meta.url)(name) as NativeAddon;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new QuarryError('ENGINE_UNAVAILABLE', 'the native core does not load on this machine', {
    hint: HINT,
    details: { files },
    cause: failures[0],
  });
}
