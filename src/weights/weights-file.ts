/** Element types of a weight file. All are converted to f32 by value. */
export type TensorDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U64' | 'U32' | 'U8' | 'BOOL';

/** One tensor of a weight file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** An opened, validated, decrypted safetensors file. */
export interface WeightsFile {
  /** Path of the plaintext, which native engines map; `undefined` if in memory only. */
  readonly path: string | undefined;
  /** Identity of the weights, lowercase hex: as given by the opener, or BLAKE2b-256 of the plaintext. */
  readonly checksum: string;
  readonly byteLength: number;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * Reads a tensor as f32.
   *
   * @throws QuarryError `WEIGHTS_INVALID` when the file has no such tensor
   */
  read(name: string): Promise<Float32Array>;
  /** Closes the file. Tensors already read stay valid. */
  close(): Promise<void>;
}
