import type * as Ort from 'onnxruntime-node';
import { throwIfAborted } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';
import type { Score, ScoreOptions } from '../contract.js';
import type { ProjectionCache } from '../js/projection-cache.js';
import { batchesOf, type Chunk, chunkAt } from '../reference/data-contract.js';
import { emptyData } from '../reference/evaluate.js';
import { ropeTable } from '../reference/rope.js';
import { RunningMean } from '../reference/running-mean.js';
import { SIG_REG } from '../reference/sig-reg.js';
import { V1_OUTPUTS } from './v1-graph.js';
import { V1_INPUTS } from './v1-graph-parts.js';

/** A session and the inputs of its runs. */
export interface SampleScorer {
  readonly ort: typeof Ort;
  readonly session: Ort.InferenceSession;
  readonly config: ModelConfig;
  readonly projections: ProjectionCache;
  readonly chunksPerRun: number;
}

/** A score as computed by a graph. */
export interface OnnxScore extends Pick<Score, 'loss' | 'embedding'> {
  /** Largest magnitude of a row maximum among attention scores; 0 if the graph does not output it. */
  readonly attention: number;
  /** Largest magnitude among queries and keys; 0 if the graph does not output it. */
  readonly reach: number;
}

/**
 * Scores one sample, batch by batch.
 *
 * @throws QuarryError `DATA_EMPTY` for a sample of no bytes
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function scoreSample(
  scorer: SampleScorer,
  sample: Uint8Array,
  { seed = 0n, signal }: ScoreOptions = {},
): Promise<OnnxScore> {
  if (sample.length === 0) throw emptyData();
  const { ort, session, config, projections, chunksPerRun } = scorer;
  const width = config.embeddingDim;
  const embedding = new RunningMean();
  const loss = new RunningMean();
  let attention = 0;
  let reach = 0;
  for (const [k, indices] of batchesOf(sample.length, config).entries()) {
    const noise = projections.get(seed + BigInt(k), width);
    const projection = new ort.Tensor('float32', noise, [width, SIG_REG.slices]);
    const mean = new Float64Array(width);
    let nll = 0;
    let sig = 0;
    for (let first = 0; first < indices.length; first += chunksPerRun) {
      throwIfAborted(signal, 'scoring');
      const chunks = indices
        .slice(first, first + chunksPerRun)
        .map((index) => chunkAt(sample, index, config.sequenceLength));
      const result = await session.run({ ...chunkInputs(ort, chunks, config), [V1_INPUTS.projection]: projection });
      const values = (name: string): Float32Array => result[name]?.data as Float32Array;
      const embeddings = values(V1_OUTPUTS.embedding);
      for (let i = 0; i < embeddings.length; i++) mean[i % width] = mean[i % width]! + embeddings[i]! / indices.length;
      for (const value of values(V1_OUTPUTS.nll)) nll += value;
      for (const value of values(V1_OUTPUTS.sigReg)) sig += value;
      // `Math.max` propagates NaN.
      attention = Math.max(attention, values(V1_OUTPUTS.attention)?.[0] ?? 0);
      reach = Math.max(reach, values(V1_OUTPUTS.reach)?.[0] ?? 0);
    }
    embedding.add(mean);
    loss.add([(nll + SIG_REG.coefficient * sig) / (indices.length * config.sequenceLength)]);
  }
  return { loss: loss.value![0]!, embedding: embedding.value!, attention, reach };
}

function chunkInputs(ort: typeof Ort, chunks: readonly Chunk[], config: ModelConfig): Record<string, Ort.Tensor> {
  const { sequenceLength: length, embeddingDim, numHeads } = config;
  const half = embeddingDim / numHeads / 2;
  const count = chunks.length;
  const tokens = new BigInt64Array(count * length);
  const targets = new BigInt64Array(count * length);
  const cos = new Float32Array(count * length * half);
  const sin = new Float32Array(count * length * half);
  for (const [c, chunk] of chunks.entries()) {
    tokens.set(BigInt64Array.from(chunk.tokens, BigInt), c * length);
    targets.set(BigInt64Array.from(chunk.targets, BigInt), c * length);
    const rope = ropeTable(chunk.positions, 2 * half);
    cos.set(rope.cos, c * length * half);
    sin.set(rope.sin, c * length * half);
  }
  return {
    [V1_INPUTS.tokens]: new ort.Tensor('int64', tokens, [count, length]),
    [V1_INPUTS.targets]: new ort.Tensor('int64', targets, [count, length]),
    [V1_INPUTS.cos]: new ort.Tensor('float32', cos, [count, length, 1, half]),
    [V1_INPUTS.sin]: new ort.Tensor('float32', sin, [count, length, 1, half]),
  };
}
