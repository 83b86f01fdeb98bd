import type { TensorInfo } from './weights-file.js';

/** A packed form of weights, as `native/binding/weights_binding.cc` reads it. */
export interface WeightsPackSpec {
  readonly embedding: number;
  readonly heads: number;
  readonly layers: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly tokens: number;
  readonly batch: number;
  readonly isa: string;
  readonly precision: 'f32' | 'bf16';
  /** Triples of (dtype number, byte offset, byte length) in forward order. */
  readonly tensors: Float64Array;
  /** Exists. */
  readonly cacheDir: string;
  /** Identity of the weights. */
  readonly checksum: string;
}

/** What an engine makes of a weight file while it is downloaded. */
export interface WeightsPacking {
  /**
   * The packed form of a file.
   *
   * @param tensors of the file, as its header has them
   * @param checksum identity of the weights
   * @throws QuarryError `WEIGHTS_INVALID` when they are not the model's
   */
  prepare(tensors: ReadonlyMap<string, TensorInfo>, checksum: string): Promise<WeightsPackSpec>;
}
