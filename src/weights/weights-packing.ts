import type { TensorInfo } from './weights-file.js';

/** Describes packed weights, as read by `native/binding/weights_binding.cc`. */
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
  /** Existing directory for the packed file. */
  readonly cacheDir: string;
  /** Weights identity. */
  readonly checksum: string;
}

/** An engine's packing of a weight file during download. */
export interface WeightsPacking {
  /**
   * Describes how to pack a file.
   *
   * @param tensors tensors in the file's header
   * @param checksum weights identity
   * @throws QuarryError `WEIGHTS_INVALID` when the tensors do not fit the model
   */
  prepare(tensors: ReadonlyMap<string, TensorInfo>, checksum: string): Promise<WeightsPackSpec>;
}
