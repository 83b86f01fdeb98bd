import type { NativePackSpec } from '../native/addon.js';
import type { TensorInfo } from './weights-file.js';

/** What an engine makes of a weight file while it is downloaded. */
export interface WeightsPacking {
  /**
   * Describes how to pack a file.
   *
   * @param tensors tensors in the file's header
   * @param checksum weights identity
   * @throws QuarryError `WEIGHTS_INVALID` when the tensors do not fit the model
   */
  prepare(tensors: ReadonlyMap<string, TensorInfo>, checksum: string): Promise<NativePackSpec>;
}
