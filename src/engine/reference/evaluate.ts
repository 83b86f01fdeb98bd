import { setImmediate } from 'node:timers/promises';
import { QuarryError, throwIfAborted } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';
import { batchesOf, type Chunk, chunkAt } from './data-contract.js';
import { RunningMean } from './running-mean.js';
import { SIG_REG } from './sig-reg.js';

/** A batch's contribution to the loss, for tests and inspection. */
export interface BatchEvaluation {
  /** Mean cross-entropy over all positions, PAD included in the count. */
  readonly crossEntropy: number;
  /** SIGReg without its coefficient. */
  readonly sigReg: number;
  /** `crossEntropy + 0.02 * sigReg`. */
  readonly loss: number;
}

/** A sample's score with its batches. */
export interface Evaluation {
  readonly loss: number;
  /** `[E]`. */
  readonly embedding: Float32Array;
  readonly batches: readonly BatchEvaluation[];
}

/** A model's operations on one chunk. */
export interface ChunkModel {
  readonly config: ModelConfig;
  /** `[T, E]`, after the final norm. */
  representations(chunk: Chunk): Float32Array;
  /** Sum over the positions whose target is not PAD. */
  negativeLogLikelihood(representations: Float32Array, targets: Uint16Array): number;
  /** Sum over all positions, without its coefficient. */
  sigReg(representations: Float32Array, projection: Float32Array): number;
}

export interface EvaluateOptions {
  readonly seed: bigint;
  /** The normalised SIGReg projection of a noise seed, `[E, 256]`. */
  readonly projection: (seed: bigint) => Float32Array;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Evaluates a sample chunk by chunk, yielding to the event loop between chunks.
 *
 * @throws QuarryError `DATA_EMPTY` for a sample of no bytes
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function evaluate(model: ChunkModel, data: Uint8Array, options: EvaluateOptions): Promise<Evaluation> {
  if (data.length === 0) throw emptyData();
  const { config } = model;
  const width = config.embeddingDim;
  const embedding = new RunningMean();
  const loss = new RunningMean();
  const batches: BatchEvaluation[] = [];
  for (const [k, chunks] of batchesOf(data.length, config).entries()) {
    const projection = options.projection(options.seed + BigInt(k));
    const sums = new Float64Array(width);
    let nll = 0;
    let sig = 0;
    for (const index of chunks) {
      throwIfAborted(options.signal, 'scoring');
      const chunk = chunkAt(data, index, config.sequenceLength);
      const r = model.representations(chunk);
      nll += model.negativeLogLikelihood(r, chunk.targets);
      sig += model.sigReg(r, projection);
      for (let i = 0; i < r.length; i++) sums[i % width] = sums[i % width]! + r[i]!;
      await setImmediate();
    }
    const positions = chunks.length * config.sequenceLength;
    const crossEntropy = nll / positions;
    const sigReg = sig / positions;
    const batch = { crossEntropy, sigReg, loss: crossEntropy + SIG_REG.coefficient * sigReg };
    batches.push(batch);
    embedding.add(sums.map((sum) => sum / positions));
    loss.add([batch.loss]);
  }
  return { loss: loss.value![0]!, embedding: embedding.value!, batches };
}

/** The error that every engine throws for an empty sample. */
export function emptyData(): QuarryError {
  return new QuarryError('DATA_EMPTY', 'an empty sample has no loss or embedding', {
    hint: 'Drop empty samples before scoring.',
  });
}
