import { fileURLToPath } from 'node:url';
import type { ModelConfig } from '../../src/weights/model-config.js';
import { type PeerTime, peerProcess, type Skipped } from './peer-process.js';

/** Input of `onnx-forward-process.ts`. */
export interface OnnxForwardJob {
  /** Path of a safetensors file. */
  readonly weights: string;
  readonly config: ModelConfig;
  readonly sample: readonly number[];
  readonly threads: number;
  readonly repeats: number;
  /** What the sample scores. */
  readonly want: { readonly loss: number; readonly embedding: readonly number[] };
  readonly tolerance: number;
}

/** A sample through onnxruntime in f32 on the CPU, in a process of its own. Weights are packed, which is its fastest. */
export function onnxForward(job: OnnxForwardJob, signal: AbortSignal | undefined): Promise<PeerTime | Skipped> {
  const script = fileURLToPath(new URL('./onnx-forward-process.js', import.meta.url));
  return peerProcess([process.execPath, script], job, signal);
}
