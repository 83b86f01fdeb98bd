/** Element types a weight file may hold. Each is converted to f32 by value. */
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
  /** Where the plaintext lies; native engines map this file. `undefined` when it is held in memory only. */
  readonly path: string | undefined;
  /** BLAKE2b-256 of the plaintext or encrypted file as the opener knows it, lowercase hex: the identity of the weights. */
  readonly checksum: string;
  readonly byteLength: number;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * One tensor as f32.
   *
   * @throws QuarryError `WEIGHTS_INVALID` when the file has no such tensor
   */
  read(name: string): Promise<Float32Array>;
  /** Closes the file; tensors that were read stay. */
  close(): Promise<void>;
}
