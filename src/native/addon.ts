import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { QuarryError } from '../errors/index.js';
import { addonFiles, addonPath, platformPackage } from './addon-file.js';
import type { IsaLevel } from './isa-level.js';

/** A call that runs off the event loop: its answer, and a way to stop it early. */
export interface NativeJob<T> {
  readonly promise: Promise<T>;
  readonly abort: () => void;
}

/** What the add-on says about itself and the processor; masks hold one bit per level. */
export interface RawCapabilities {
  readonly compiled: number;
  readonly usable: number;
  readonly best: IsaLevel;
  readonly cpus: number;
}

/** A model inside the add-on. */
export interface NativeModel {
  readonly nativeModel: unique symbol;
}

/** The shape of a model and where its weights lie, as `native/binding/model_binding.cc` reads them. */
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
  /** Empty: packed weights stay in memory. */
  readonly cacheDir: string;
  readonly checksum: string;
}

/** A score as the add-on returns it. */
export interface RawScore {
  readonly loss: number;
  readonly embedding: Float32Array;
  /** Largest mean square of a residual row; NaN where one was met. */
  readonly activation: number;
  /** Largest magnitude of a row maximum among attention scores; NaN where one was met. */
  readonly attention: number;
}

/** Number formats of the core's products. */
export type NativePrecision = 'f32' | 'bf16';

/** The add-on's functions that scoring, tests and benches use. */
export interface NativeAddon {
  capabilities(): RawCapabilities;
  /** FLOPs per second of fused multiply-adds from registers. */
  probeFma(isa: IsaLevel, precision: NativePrecision, threads: number, seconds: number): NativeJob<number>;
  /** Bytes per second of reading memory in sequence. */
  probeRead(threads: number, bytes: number, passes: number): NativeJob<number>;
  /** Seconds that storing a file of `bytes` takes when it is written in blocks and past the page cache, as weights are. */
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
  /** Of `direction . embedding` with respect to one-hot bytes, `[bytes, 256]`. */
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

/** What mends an add-on that is absent or does not load. */
const HINT = 'Run `quarry build-native`, which needs a C++20 compiler, make and python3.';

/**
 * The add-on's functions; Node keeps it loaded after the first call. Without a file: of the installed platform package,
 * else of a build on this machine.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when there is none or none loads here
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
