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

declare const KIND: unique symbol;
/** Opaque handle of an object in the add-on. */
export interface NativeHandle<Kind extends string> {
  readonly [KIND]: Kind;
}
export type NativeModel = NativeHandle<'model'>;
export type NativeScanner = NativeHandle<'scanner'>;
export type NativePool = NativeHandle<'pool'>;
export type NativeHasher = NativeHandle<'hasher'>;
export type NativeCipher = NativeHandle<'cipher'>;
export type NativeStream = NativeHandle<'stream'>;

/** Shape of a model and location of its tensors, as `native/binding/read_shape.h` reads them. */
export interface NativeModelShape {
  readonly embedding: number;
  readonly heads: number;
  readonly layers: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly tokens: number;
  readonly batch: number;
  /** Triples of (dtype number, byte offset, byte length) in forward order. */
  readonly tensors: Float64Array;
}

/** A model to create. */
export interface NativeModelSpec extends NativeModelShape {
  readonly isa: IsaLevel;
  readonly threads: number;
  readonly path: string;
  /** Directory for packed weights; empty keeps them in memory. */
  readonly cacheDir: string;
  readonly checksum: string;
}

/** A packed form of weights to make while they are downloaded. */
export interface NativePackSpec extends NativeModelShape {
  readonly isa: IsaLevel;
  readonly precision: NativePrecision;
  /** Must exist. */
  readonly cacheDir: string;
  /** Identity of the weights. */
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

/** What a scan searches for, and how. */
export interface NativeScan {
  readonly targets: Float32Array;
  readonly thresholds: Float32Array;
  readonly mode: number;
  readonly limit: number;
  readonly from: number;
  readonly to: number;
  readonly sync: boolean;
}

/** Rows picked from mapped files. */
export interface NativeSelection {
  readonly f32Paths: readonly string[];
  readonly bf16Paths: readonly string[];
  readonly tableRows: Float64Array;
  readonly tables: Uint8Array;
  readonly rows: Uint32Array;
  readonly count: number;
  readonly dim: number;
}

/** Hits of a scan, column by column. */
export interface NativeHits {
  readonly rows: Uint32Array;
  readonly targets: Uint32Array;
  readonly distances: Float32Array;
}

/** What a search among the rows of a pool looks for. */
export interface NativeComposeGoals {
  readonly targets: Float32Array;
  readonly cosines: Float64Array;
  readonly leads: Float32Array;
  readonly leadsCount: number;
  readonly maxParts: number;
  readonly fewest: boolean;
}

/** Every function of the add-on, binding by binding (`native/binding/`). */
export interface NativeAddon {
  // core_binding.cc
  capabilities(): RawCapabilities;
  /** Peak FLOP/s of fused multiply-adds on registers. */
  probeFma(isa: IsaLevel, precision: NativePrecision, threads: number, seconds: number): NativeJob<number>;
  /** Sequential memory read bandwidth, bytes per second. */
  probeRead(threads: number, bytes: number, passes: number): NativeJob<number>;

  // model_binding.cc
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

  /** Gradient of `cosine - lossWeight * crossEntropy` with respect to a chunk of mixed bytes, `[tokens, 256]`. */
  mixtureGradientOfModel(
    model: NativeModel,
    mixture: Float32Array,
    target: Float32Array,
    lossWeight: number,
    precision: NativePrecision,
  ): NativeJob<{ readonly gradient: Float32Array; readonly cosine: number; readonly crossEntropy: number }>;

  // kernel_binding.cc, for tests and benchmarks
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

  // distance_binding.cc
  distanceOpen(isa: IsaLevel, threads: number): NativeScanner;
  distanceScanRows(
    scanner: NativeScanner,
    data: Float32Array | Uint16Array,
    dim: number,
    scan: NativeScan,
  ): NativeHits | NativeJob<NativeHits>;
  distanceScanFiles(
    scanner: NativeScanner,
    selection: NativeSelection,
    scan: NativeScan,
  ): NativeHits | NativeJob<NativeHits>;
  distanceRelease(scanner: NativeScanner, paths: readonly string[]): void;

  // compose_binding.cc
  composePoolOpen(isa: IsaLevel, dim: number, capacity: number): NativePool;
  composePoolPut(pool: NativePool, slots: Int32Array, rows: Float32Array): NativeJob<Int32Array>;
  composePoolSearch(
    pool: NativePool,
    goals: NativeComposeGoals,
  ): NativeJob<{ readonly slots: Int32Array; readonly cosines: Float32Array }>;
  composePoolClose(pool: NativePool): void;

  // hash_binding.cc; a level the processor lacks falls back to serial, a cipher needs AES instructions
  blake2bCreate(isa: IsaLevel): NativeHasher;
  blake2bUpdate(hasher: NativeHasher, bytes: Uint8Array): void;
  blake2bDigest(hasher: NativeHasher): Uint8Array;
  blake2b256(isa: IsaLevel, bytes: Uint8Array): Uint8Array;
  hashingCipherCreate(isa: IsaLevel, key: Uint8Array): NativeCipher | undefined;
  hashingCipherDecrypt(cipher: NativeCipher, from: Uint8Array, to: Uint8Array): void;
  hashingCipherEncrypt(cipher: NativeCipher, from: Uint8Array, to: Uint8Array): void;
  hashingCipherDigest(cipher: NativeCipher): Uint8Array;

  // weights_binding.cc
  weightsStreamCreate(
    isa: IsaLevel,
    path: string,
    key: Uint8Array,
    start: number,
    size: number,
  ): NativeStream | undefined;
  weightsStreamPack(stream: NativeStream, spec: NativePackSpec, size: number): boolean;
  weightsStreamHead(stream: NativeStream): Uint8Array;
  weightsStreamRecover(stream: NativeStream): NativeJob<void>;
  weightsStreamPush(stream: NativeStream, pieces: readonly Uint8Array[]): NativeJob<void>;
  weightsStreamFinish(stream: NativeStream): NativeJob<Uint8Array>;
  weightsStreamPublish(stream: NativeStream): NativeJob<void>;
  weightsStreamClose(stream: NativeStream): void;
  /** Seconds to write a file of `bytes` in blocks that bypass the page cache, as weights are written. */
  probeWrite(path: string, bytes: number, blockBytes: number): NativeJob<number>;
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
