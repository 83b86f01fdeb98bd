import { QuarryError } from '../../errors/index.js';
import { bcs, digestFromBytes, type Manifest } from '../chain/index.js';
import type { ModelManifest } from '../client/decode/index.js';
import type { CallOptions } from '../client/transport/index.js';
import { BcsService, bcsMethod } from './bcs-service.js';

interface ManifestInput {
  readonly url: string;
  /** Base58. */
  readonly checksum: string;
  readonly size: bigint;
  /** Base58. */
  readonly decryptionKey: string | undefined;
}

/** The body of a call to `/scoring.Scoring/Score`. */
export interface ScoreRequest {
  readonly dataUrl: string;
  readonly dataChecksum: string;
  readonly dataSize: bigint;
  readonly modelManifests: readonly ManifestInput[];
  readonly targetEmbedding: Float32Array;
  readonly seed: bigint;
}

/** Response; losses and distances are only the winner's. */
export interface ScoreResponse {
  readonly winner: bigint;
  readonly lossScore: Float32Array;
  readonly embedding: Float32Array;
  readonly distance: Float32Array;
}

const { string, struct, u64, vector, option } = bcs;

/** BCS has no floats: they are sent as f32 bit patterns in a vector of u32. */
const f32Bits: bcs.Codec<Float32Array> = bcs.mapped(
  vector(bcs.u32),
  (bits) => new Float32Array(Uint32Array.from(bits).buffer),
  (values) => [...new Uint32Array(new Float32Array(values).buffer)],
);

/** BCS of {@link ScoreRequest}. */
export const SCORE_REQUEST: bcs.Codec<ScoreRequest> = struct<ScoreRequest>({
  dataUrl: string,
  dataChecksum: string,
  dataSize: u64,
  modelManifests: vector(
    struct<ManifestInput>({ url: string, checksum: string, size: u64, decryptionKey: option(string) }),
  ),
  targetEmbedding: f32Bits,
  seed: u64,
});

/** BCS of {@link ScoreResponse}. */
export const SCORE_RESPONSE: bcs.Codec<ScoreResponse> = struct<ScoreResponse>({
  winner: u64,
  lossScore: f32Bits,
  embedding: f32Bits,
  distance: f32Bits,
});

/** `HealthResponse { ok }`. */
export const SCORING_HEALTH_RESPONSE = struct<{ readonly ok: boolean }>({ ok: bcs.bool });

/** `/scoring.Scoring/Score`. */
export const SCORE = bcsMethod('/scoring.Scoring/Score', SCORE_REQUEST, SCORE_RESPONSE);

/** `/scoring.Scoring/Health`: an empty request, {@link SCORING_HEALTH_RESPONSE}. */
export const SCORING_HEALTH = bcsMethod('/scoring.Scoring/Health', bcs.unit, SCORING_HEALTH_RESPONSE);

export interface ScoreOptions extends CallOptions {
  /** Manifest of the data; the service must be able to download it. */
  readonly data: Manifest;
  /** In the order of the target's model ids. */
  readonly models: readonly (Manifest & Partial<Pick<ModelManifest, 'decryptionKey'>>)[];
  /** `[target_embedding_dim]`. */
  readonly targetEmbedding: Float32Array;
  /** Auditors use 0, the default. */
  readonly seed?: bigint | undefined;
}

/** Result of a scoring service. */
export interface ScoringResult {
  /** Index of the model with the lowest loss. */
  readonly winner: number;
  /** The winner's loss. */
  readonly loss: number;
  /** The winner's embedding, `[target_embedding_dim]`. */
  readonly embedding: Float32Array;
  /** Cosine distance of the winner's embedding to the target. */
  readonly distance: number;
}

/** The first call for a model downloads its weights, gigabytes in production. */
const TIMEOUT_MS = 600_000;

/** Client of the Scoring service. */
export class ScoringClient extends BcsService {
  /**
   * Scores data under all models of a target.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when there are no models, or the service refuses the request
   */
  async score(options: ScoreOptions): Promise<ScoringResult> {
    if (options.models.length === 0) {
      throw new QuarryError('INVALID_ARGUMENT', 'scoring needs at least one model');
    }
    const answer = await this.call(
      SCORE,
      {
        dataUrl: options.data.url,
        dataChecksum: digestFromBytes(options.data.checksum),
        dataSize: options.data.size,
        modelManifests: options.models.map((model) => ({
          url: model.url,
          checksum: digestFromBytes(model.checksum),
          size: model.size,
          // The service crashes on malformed keys, so check the length here.
          decryptionKey: model.decryptionKey === undefined ? undefined : digestFromBytes(model.decryptionKey),
        })),
        targetEmbedding: options.targetEmbedding,
        seed: options.seed ?? 0n,
      },
      {
        timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
        signal: options.signal,
      },
    );
    const winner = Number(answer.winner);
    // One element each, the winner's, not one per model.
    const [loss] = answer.lossScore;
    const [distance] = answer.distance;
    if (loss === undefined || distance === undefined || winner >= options.models.length) {
      throw new QuarryError('PROTOCOL', 'the scoring service gave an incomplete answer');
    }
    return { winner, loss, embedding: answer.embedding, distance };
  }

  /** Whether the service is ready. */
  async health(options: CallOptions = {}): Promise<boolean> {
    return (await this.call(SCORING_HEALTH, {}, { ...options })).ok;
  }
}
