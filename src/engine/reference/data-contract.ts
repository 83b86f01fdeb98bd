import { EOS_TOKEN, type ModelConfig, PAD_TOKEN } from '../../weights/model-config.js';

/**
 * One chunk as the model reads it (upstream `models/src/v1/data/dataset.rs` and `batcher.rs`). All arrays are `[T]`.
 */
export interface Chunk {
  /** Byte values, then one EOS, then PAD. A full chunk has neither. */
  readonly tokens: Uint16Array;
  /** Global byte offsets, not reset per chunk; EOS and every PAD share the offset of the end of the data. */
  readonly positions: Uint32Array;
  /** The tokens shifted left by one, PAD last. Positions whose target is PAD do not count in the loss. */
  readonly targets: Uint16Array;
}

/** Number of chunks in `byteLength` bytes: `ceil(n / T)`. */
export function chunkCount(byteLength: number, sequenceLength: number): number {
  return Math.ceil(byteLength / sequenceLength);
}

/**
 * Extracts one chunk of a sample.
 *
 * @param index from 0 to {@link chunkCount} - 1
 */
export function chunkAt(data: Uint8Array, index: number, sequenceLength: number): Chunk {
  const start = index * sequenceLength;
  const bytes = data.subarray(start, start + sequenceLength);
  const tokens = new Uint16Array(sequenceLength).fill(PAD_TOKEN);
  tokens.set(bytes);
  if (bytes.length < sequenceLength) tokens[bytes.length] = EOS_TOKEN;
  const positions = new Uint32Array(sequenceLength);
  for (let i = 0; i < sequenceLength; i++) positions[i] = start + Math.min(i, bytes.length);
  const targets = new Uint16Array(sequenceLength).fill(PAD_TOKEN);
  targets.set(tokens.subarray(1));
  return { tokens, positions, targets };
}

/**
 * The chunk indices of each batch: consecutive groups of `batchSize`, the last possibly smaller. Batch k uses noise
 * seed `seed + k`.
 */
export function batchesOf(byteLength: number, config: Pick<ModelConfig, 'sequenceLength' | 'batchSize'>): number[][] {
  const chunks = chunkCount(byteLength, config.sequenceLength);
  const batches: number[][] = [];
  for (let first = 0; first < chunks; first += config.batchSize) {
    const size = Math.min(config.batchSize, chunks - first);
    batches.push(Array.from({ length: size }, (_, i) => first + i));
  }
  return batches;
}
