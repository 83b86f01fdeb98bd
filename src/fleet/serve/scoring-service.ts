import { bytesToHex } from '@noble/hashes/utils.js';
import type { ErrorBound, Score } from '../../engine/contract.js';
import { cosineDistance, selectBest } from '../../engine/reference/index.js';
import { QuarryError } from '../../errors/index.js';
import type { HttpClient } from '../../http/index.js';
import { blake2b256 } from '../../native/blake2b.js';
import { digestToBytes } from '../../soma/chain/index.js';
import type { ScoreRequest, ScoreResponse } from '../../soma/services/index.js';
import { type WeightsManifest, weightsIdentity } from '../../weights/manifest.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../weights/model-config.js';
import type { ModelShelf } from '../model-shelf.js';
import { ScoreBatcher } from './score-batcher.js';

export interface ScoringServiceOptions {
  /** Largest sample, bytes. The network takes 1 MiB. */
  readonly maxDataBytes: number;
  /** Models of one request. A target names three. */
  readonly maxModels: number;
  /** Samples of one batch. */
  readonly batch: number;
  /** Scores remembered. */
  readonly remembered: number;
}

export interface ScoringServiceDeps {
  readonly models: ModelShelf;
  /** Fetches data; carries the address policy. */
  readonly http: HttpClient;
}

interface Scored {
  readonly score: Score;
  readonly bound: ErrorBound;
}

/** The network's Scoring service over an engine of ours: what `soma start scoring` answers, and why it refuses. */
export class ScoringService {
  readonly #options: ScoringServiceOptions;
  readonly #deps: ScoringServiceDeps;
  readonly #batcher: ScoreBatcher;
  /** By model, seed, precision and data; used last comes last. */
  readonly #known = new Map<string, Scored>();
  readonly #fetching = new Map<string, Promise<Uint8Array>>();

  constructor(options: ScoringServiceOptions, deps: ScoringServiceDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#batcher = new ScoreBatcher(options.batch);
  }

  /**
   * Scores data under all models of a request, and picks the winner as auditors do: a near-tie is scored again in f32.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when the request is malformed or beyond the limits, and what fetching and
   *   scoring throw
   */
  async score(request: ScoreRequest): Promise<ScoreResponse> {
    const { targetEmbedding, modelManifests, seed } = request;
    if (modelManifests.length === 0) throw refused('At least one model manifest is required');
    if (modelManifests.length > this.#options.maxModels) {
      throw refused(`Model manifests must be at most ${this.#options.maxModels}`);
    }
    if (targetEmbedding.length === 0) throw refused('Target embedding must not be empty');
    const config = Object.values(MODEL_CONFIGS).find((each) => each.embeddingDim === targetEmbedding.length);
    if (config === undefined) throw refused(`Invalid target embedding: no model has ${targetEmbedding.length} values`);
    const manifests = modelManifests.map(weightsOf);
    this.#assertData(request);
    const all = (precision: 'f32' | undefined): Promise<Scored[]> =>
      Promise.all(manifests.map((manifest) => this.#scoreUnder(manifest, config, request, seed, precision)));
    let scored = await all(undefined);
    if (isNearTie(scored)) scored = await all('f32');
    const winner = selectBest(scored.map(({ score }) => score.loss));
    const best = winner === undefined ? undefined : scored[winner]?.score;
    if (winner === undefined || best === undefined) throw new QuarryError('NON_FINITE', 'no model gave a finite loss');
    return {
      winner: BigInt(winner),
      lossScore: Float32Array.of(best.loss),
      embedding: best.embedding,
      distance: Float32Array.of(cosineDistance(best.embedding, targetEmbedding)),
    };
  }

  #assertData({ dataUrl, dataChecksum, dataSize }: ScoreRequest): void {
    const { maxDataBytes } = this.#options;
    digest(dataChecksum, 'data checksum');
    if (dataSize === 0n) throw refused('Data size must be at least 1 byte');
    if (dataSize > BigInt(maxDataBytes)) throw refused(`Data size must be at most ${maxDataBytes} bytes`);
    if (!URL.canParse(dataUrl)) throw refused('Invalid data URL');
  }

  async #scoreUnder(
    manifest: WeightsManifest,
    config: ModelConfig,
    request: ScoreRequest,
    seed: bigint,
    precision: 'f32' | undefined,
  ): Promise<Scored> {
    const model = `${weightsIdentity(manifest)} ${seed} ${precision ?? 'own'}`;
    const key = `${model} ${request.dataChecksum} ${request.dataSize}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#remember(key, known);
      return known;
    }
    const data = await this.#data(request);
    const bounds: ErrorBound[] = [];
    const score = await this.#batcher.score(model, data, (samples) =>
      this.#deps.models.use(manifest, config, (loaded) =>
        loaded.score(samples, { seed, ...(precision && { precision }) }),
      ),
    );
    await this.#deps.models.use(manifest, config, async ({ errorBound }) => bounds.push(errorBound));
    const scored = { score, bound: bounds[0] ?? { loss: 0, distance: 0 } };
    this.#remember(key, scored);
    return scored;
  }

  #remember(key: string, scored: Scored): void {
    this.#known.delete(key);
    this.#known.set(key, scored);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#options.remembered && oldest !== undefined) this.#known.delete(oldest);
  }

  /** The bytes of a request, verified; fetched once however many models need them. */
  #data(request: ScoreRequest): Promise<Uint8Array> {
    const key = `${request.dataChecksum} ${request.dataSize} ${request.dataUrl}`;
    const pending = this.#fetching.get(key);
    if (pending !== undefined) return pending;
    const fetching = this.#fetch(request).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  async #fetch({ dataUrl, dataChecksum, dataSize }: ScoreRequest): Promise<Uint8Array> {
    const size = Number(dataSize);
    const bytes = await this.#deps.http.bytes({ url: dataUrl, maxBytes: size });
    if (bytes.length !== size)
      throw new QuarryError('SIZE_MISMATCH', `Invalid data: ${bytes.length} bytes, not ${size}`);
    if (bytesToHex(blake2b256(bytes)) !== bytesToHex(digest(dataChecksum, 'data checksum'))) {
      throw new QuarryError('CHECKSUM_MISMATCH', 'Checksum of the data does not match', { retryable: false });
    }
    return bytes;
  }
}

/** Whether the two best losses are closer than their engines may err. */
function isNearTie(scored: readonly Scored[]): boolean {
  const [first, second] = [...scored].sort((a, b) => a.score.loss - b.score.loss);
  if (first === undefined || second === undefined) return false;
  return second.score.loss - first.score.loss <= first.bound.loss + second.bound.loss && first.bound.loss > 0;
}

function weightsOf({ url, checksum, size, decryptionKey }: ScoreRequest['modelManifests'][number]): WeightsManifest {
  if (decryptionKey === undefined) throw refused('Model decryption key is required');
  return {
    url,
    checksum: bytesToHex(digest(checksum, 'model checksum')),
    sizeBytes: Number(size),
    decryptionKey: digest(decryptionKey, 'decryption key'),
  };
}

/** 32 bytes in base58. What cannot be read is not quoted: it may be a key. */
function digest(text: string, what: string): Uint8Array {
  try {
    return digestToBytes(text);
  } catch {
    throw refused(`Invalid ${what}: expected 32 bytes in base58`);
  }
}

function refused(message: string): QuarryError {
  return new QuarryError('INVALID_ARGUMENT', message);
}
