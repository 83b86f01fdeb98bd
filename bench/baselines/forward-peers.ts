import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Score } from '../../src/engine/contract.js';
import { batchProjection } from '../../src/engine/reference/sig-reg.js';
import type { ModelConfig } from '../../src/weights/model-config.js';
import type { PeerOutcome } from '../comparisons.js';
import { onnxForward } from './onnx-forward.js';
import type { PeerTime, Skipped } from './peer-process.js';
import { pythonPeer } from './python.js';

/** How far a peer may be from our f32 score. bf16 products of 24 layers add up, and the official positions are bf16 too. */
const TOLERANCES = { f32: 1e-4, bf16: 0.1 } as const;

/** A sample for the peers, and what it scores in f32. */
export interface ForwardPeerCase {
  /** Path of a safetensors file. */
  readonly weights: string;
  readonly config: ModelConfig;
  readonly sample: Uint8Array;
  readonly want: Score;
  readonly threads: number;
  readonly repeats: number;
  readonly python: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Runs the f32 graph of onnxruntime; it stands beside both our precisions. */
export async function onnxPeer(peer: ForwardPeerCase): Promise<PeerOutcome> {
  const { signal, python: _python, want, sample, ...job } = peer;
  const outcome = await onnxForward({ ...job, ...numbers(sample, want), tolerance: TOLERANCES.f32 }, signal);
  return { name: 'onnxruntime-node cpu f32', ...outcome };
}

/** Runs the official soma-models in PyTorch, as it is, and with PyTorch's own attention in it. */
export async function torchPeers(peer: ForwardPeerCase, precision: 'f32' | 'bf16'): Promise<PeerOutcome[]> {
  const { signal, python, want, sample, ...job } = peer;
  const noise = path.join(path.dirname(peer.weights), 'sig-reg-noise.f32');
  await writeFile(noise, batchProjection(0n, peer.config.embeddingDim));
  const outcome = await pythonPeer<Record<'official' | 'sdpa', PeerTime | Skipped>>(
    python,
    { do: 'forward', ...job, ...numbers(sample, want), noise, precision, tolerance: TOLERANCES[precision] },
    signal,
  );
  const name = `PyTorch ${precision}, soma-models`;
  if ('skipped' in outcome) return [{ name, skipped: outcome.skipped }];
  return [
    { name, ...outcome.official },
    { name: `${name} + SDPA`, ...outcome.sdpa },
  ];
}

function numbers(sample: Uint8Array, want: Score) {
  return { sample: [...sample], want: { loss: want.loss, embedding: [...want.embedding] } };
}
