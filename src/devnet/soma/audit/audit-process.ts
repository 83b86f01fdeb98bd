import type { LoadedModel, ScoringEngine } from '../../../engine/contract.js';
import { createJsEngine } from '../../../engine/js/index.js';
import { createOnnxEngine } from '../../../engine/onnx/index.js';
import type { ModelConfig } from '../../../weights/model-config.js';
import { safetensorsFromBytes } from '../../../weights/safetensors.js';

/** Engines for audits. */
export type AuditEngine = 'js' | 'onnx';

/** Requests the score of one sample under one model. */
export interface ScoreRequest {
  readonly id: number;
  /** Identity of the decrypted weights. */
  readonly modelKey: string;
  /** Decrypted safetensors, sent with the first request for a model. */
  readonly weights: Uint8Array | undefined;
  readonly config: ModelConfig;
  readonly sample: Uint8Array;
}

/** The score, or the reason for its absence. */
export type ScoreReply =
  | { readonly id: number; readonly loss: number; readonly embedding: Float32Array }
  | { readonly id: number; readonly error: string };

/** Scoring seed of audits. */
const AUDIT_SEED = 0n;

let engine: Promise<ScoringEngine> | undefined;
const models = new Map<string, Promise<LoadedModel>>();

async function score(request: ScoreRequest): Promise<ScoreReply> {
  const { id, modelKey, weights, config, sample } = request;
  try {
    let model = models.get(modelKey);
    if (model === undefined) {
      if (weights === undefined) return { id, error: 'the weights were never sent' };
      const file = safetensorsFromBytes(weights, { checksum: modelKey });
      engine ??= process.argv[2] === 'onnx' ? createOnnxEngine({ threads: 1 }) : Promise.resolve(createJsEngine());
      model = engine.then((ready) => ready.load(file, config));
      models.set(modelKey, model);
    }
    const [result] = await (await model).score([sample], { seed: AUDIT_SEED });
    return result === undefined ? { id, error: 'no score' } : { id, loss: result.loss, embedding: result.embedding };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

// Runs as a separate process: handles requests from its IPC channel one at a time, and ends with its parent.
let last: Promise<unknown> = Promise.resolve();
process.on('message', (request: ScoreRequest) => {
  last = last.then(async () => process.send?.(await score(request)));
});
process.on('disconnect', () => process.exit(0));
// Ignore a terminal's Ctrl-C, which reaches all processes: the parent decides when to stop.
process.on('SIGINT', () => {});
