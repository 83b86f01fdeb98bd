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
  /** Largest sample, bytes. The network allows 1 MiB. */
  readonly maxDataBytes: number;
  /** Maximum models per request. A target names three. */
  readonly maxModels: number;
  /** Maximum samples per batch. */
  readonly batch: number;
  /** Scores cached. */
  readonly remembered: number;
}

export interface ScoringServiceDeps {
  readonly models: ModelShelf;
  /** Downloads data; must enforce an address policy, as URLs come from callers. */
  readonly http: HttpClient;
}

interface Scored {
  readonly score: Score;
  readonly bound: ErrorBound;
}

/** The network's Scoring service over any engine, with the answers and refusals of `soma start scoring`. */
export class ScoringService {
  readonly #options: ScoringServiceOptions;
  readonly #deps: ScoringServiceDeps;
  readonly #batcher: ScoreBatcher;
  /** Score cache by model, seed, precision and data; least recently used first. */
  readonly #known = new Map<string, Scored>();
  readonly #fetching = new Map<string, Promise<Uint8Array>>();

  constructor(options: ScoringServiceOptions, deps: ScoringServiceDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#batcher = new ScoreBatcher(options.batch);
  }

  /**
   * Scores data under all models of a request and picks the winner as auditors do. Near-ties are scored again in f32.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when the request is malformed or exceeds the limits; also whatever
   *   downloading and scoring throw
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

  /** Downloads and verifies a request's data; concurrent calls share one download. */
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

/** Whether the two lowest losses differ by no more than their error bounds. */
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

/** Decodes 32 bytes in base58. The error does not quote the text: it may be a key. */
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
