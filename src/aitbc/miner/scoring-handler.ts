import { createHash } from 'node:crypto';
import { QuarryError } from '../../errors/index.js';
import { isWire } from '../wire.js';
import type { JobHandler } from './miner-types.js';

/**
 * Returns loss and embedding of each sample, in order. Wraps any engine of this library, or is a function of your own.
 */
export type ScoreFunction = (
  samples: readonly Uint8Array[],
  options: { readonly signal: AbortSignal },
) => Promise<readonly { readonly loss: number; readonly embedding: Float32Array }[]>;

/** Options of a {@link scoringHandler}. */
export interface ScoringHandlerOptions {
  /** Model name reported in results. */
  readonly model: string;
  /** Maximum samples per job. Default 256. */
  readonly maxSamples?: number | undefined;
  /** Maximum total bytes of a job's samples. Default 4 MiB. */
  readonly maxBytes?: number | undefined;
}

/** Job type and result type of scoring. */
export const SCORING_JOB_TYPE = 'scoring';

/**
 * Creates a handler for scoring jobs. These have `type: "scoring"` and their samples in `input`: `{ type: "samples",
 * format: "base64" | "utf8", samples: string[] }`; `output.embedding` is `base64-f32le` (default), `array` or `none`.
 * The result lists loss, embedding, size and SHA-256 of every sample.
 *
 * @throws QuarryError `DATA_INVALID`, `DATA_EMPTY`, `DATA_TOO_LARGE`, which become the failure's code
 */
export function scoringHandler(score: ScoreFunction, options: ScoringHandlerOptions): JobHandler {
  return async ({ payload }, { signal }) => {
    if (payload['type'] !== SCORING_JOB_TYPE) {
      throw new QuarryError(
        'UNSUPPORTED',
        `this miner runs "${SCORING_JOB_TYPE}" jobs, not "${String(payload['type'])}"`,
      );
    }
    const samples = readSamples(payload['input'], options);
    const output = isWire(payload['output']) ? payload['output'] : {};
    const scores = await score(samples, { signal });
    if (scores.length !== samples.length) {
      throw new QuarryError('ENGINE_FAILED', `${samples.length} samples gave ${scores.length} scores`);
    }
    return {
      result: {
        status: 'completed',
        model: options.model,
        scores: scores.map(({ loss, embedding }, i) => {
          const sample = samples[i]!;
          if (!Number.isFinite(loss)) throw new QuarryError('NON_FINITE', `the loss of sample ${i} is not finite`);
          return {
            sample: i,
            bytes: sample.byteLength,
            sha256: createHash('sha256').update(sample).digest('hex'),
            loss,
            dim: embedding.length,
            ...encodeEmbedding(embedding, output['embedding']),
          };
        }),
      },
      metrics: { units: samples.length, unit_type: 'samples' },
    };
  };
}

/** Decodes an embedding of a scoring result, in either form. */
export function decodeEmbedding(score: Readonly<Record<string, unknown>>): Float32Array {
  const { embedding } = score;
  if (Array.isArray(embedding)) return Float32Array.from(embedding as number[]);
  if (typeof embedding !== 'string') throw new QuarryError('DATA_INVALID', 'the result has no embedding');
  const bytes = Buffer.from(embedding, 'base64');
  return Float32Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readFloatLE(i * 4));
}

function readSamples(input: unknown, options: ScoringHandlerOptions): Uint8Array[] {
  const { maxSamples = 256, maxBytes = 4 * 1024 * 1024 } = options;
  const list = isWire(input) ? input['samples'] : undefined;
  const format = isWire(input) ? (input['format'] ?? 'base64') : 'base64';
  if (!Array.isArray(list) || (format !== 'base64' && format !== 'utf8')) {
    throw new QuarryError('DATA_INVALID', 'input.samples must be a list of base64 or utf8 texts');
  }
  if (list.length === 0) throw new QuarryError('DATA_EMPTY', 'the job has no samples');
  if (list.length > maxSamples) {
    throw new QuarryError('DATA_TOO_LARGE', `${list.length} samples in a job; at most ${maxSamples} are allowed`);
  }
  let total = 0;
  return list.map((text, i) => {
    if (typeof text !== 'string') throw new QuarryError('DATA_INVALID', `sample ${i} is not a string`);
    const bytes = new Uint8Array(Buffer.from(text, format));
    if (bytes.length === 0) throw new QuarryError('DATA_EMPTY', `sample ${i} is empty`);
    total += bytes.length;
    if (total > maxBytes) throw new QuarryError('DATA_TOO_LARGE', `samples of more than ${maxBytes} bytes in a job`);
    return bytes;
  });
}

function encodeEmbedding(embedding: Float32Array, form: unknown): { embedding?: string | number[] | undefined } {
  if (form === 'none') return {};
  if (form === 'array') return { embedding: [...embedding] };
  const bytes = Buffer.alloc(embedding.length * 4);
  embedding.forEach((value, i) => {
    bytes.writeFloatLE(value, i * 4);
  });
  return { embedding: bytes.toString('base64') };
}
