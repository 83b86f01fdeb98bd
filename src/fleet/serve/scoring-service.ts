import type { ScoreOptions } from '../../engine/contract.js';
import { cosineDistance, selectBest } from '../../engine/reference/index.js';
import { QuarryError } from '../../errors/index.js';
import { blake2b256 } from '../../native/blake2b.js';
import type { HttpClient } from '../../net/index.js';
import type { ScoreRequest, ScoreResponse } from '../../soma/services/index.js';
import { type WeightsManifest, weightsIdentity, weightsKey } from '../../weights/manifest.js';
import type { ModelConfig } from '../../weights/model-config.js';
import { isLeftOut } from '../left-out.js';
import type { ModelShelf } from '../model-shelf.js';
import { RememberedScores, type ScoreSetting } from './remembered-scores.js';
import { ScoreBatcher } from './score-batcher.js';
import { type RequestedData, type RequestLimits, readRequest } from './score-request.js';
import type { Scored, ScoredSample } from './served-part.js';
import type { ServedScores } from './served-scores.js';

export interface ScoringServiceOptions extends RequestLimits {
  /** Maximum samples per batch. */
  readonly batch: number;
  /** Scores cached in memory. */
  readonly remembered: number;
}

export interface ScoringServiceDeps {
  readonly models: ModelShelf;
  /** Downloads data; must enforce an address policy, as URLs come from callers. */
  readonly http: HttpClient;
  /** Scores on disk. Default: none, so a restart scores repeated data again. */
  readonly kept?: ServedScores | undefined;
}

/** How to score samples under one model. */
interface Order extends ScoreSetting {
  readonly manifest: WeightsManifest;
  readonly config: ModelConfig;
}

type Sample = Pick<ScoredSample, 'bytes' | 'checksum'>;

/** The seed that auditors use. Only its scores are stored on disk. */
const AUDITED_SEED = 0n;

/** The network's Scoring service over any engine, with the answers and refusals of `soma start scoring`. */
export class ScoringService {
  readonly #options: ScoringServiceOptions;
  readonly #deps: ScoringServiceDeps;
  readonly #batcher: ScoreBatcher<Sample, Scored>;
  readonly #remembered: RememberedScores;
  readonly #fetching = new Map<string, Promise<Uint8Array>>();

  constructor(options: ScoringServiceOptions, deps: ScoringServiceDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#batcher = new ScoreBatcher(options.batch);
    this.#remembered = new RememberedScores(options.remembered);
  }

  /**
   * Scores data under all models of a request and picks the winner as auditors do. Near-ties are scored again in f32.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when the request is malformed, exceeds the limits or describes other data than
   *   its URL has; also whatever downloading and scoring throw
   */
  async score(request: ScoreRequest): Promise<ScoreResponse> {
    const { manifests, config, data } = readRequest(request, this.#options);
    const { seed, targetEmbedding } = request;
    const all = (precision: 'f32' | undefined): Promise<Scored[]> => {
      const orders = manifests.map((manifest) => ({ ...setting(manifest, seed, precision), manifest, config }));
      return Promise.all(orders.map((order) => this.#scoreUnder(order, data)));
    };
    let scored = await all(undefined);
    if (isUndecided(scored)) scored = await all('f32');
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

  /**
   * Removes scores whose scorer was found wrong.
   *
   * @param checksums BLAKE2b-256 of the samples
   */
  async withdraw(manifest: WeightsManifest, checksums: readonly Uint8Array[]): Promise<void> {
    // Scores returned just before this call are being stored; let that be queued first.
    await new Promise(setImmediate);
    this.#remembered.forget(weightsIdentity(manifest), checksums);
    await this.#deps.kept?.withdraw(weightsKey(manifest), checksums);
  }

  async #scoreUnder(order: Order, data: RequestedData): Promise<Scored> {
    const { checksum, sizeBytes } = data;
    const known = this.#remembered.get(order, checksum, sizeBytes) ?? this.#find(order, data);
    if (known !== undefined) {
      this.#remembered.set(order, checksum, sizeBytes, known);
      return known;
    }
    const sample = { bytes: await this.#fetchOnce(data), checksum };
    const batch = `${order.identity} ${order.seed} ${order.precision ?? 'own'}`;
    const scored = await this.#batcher.score(batch, sample, (samples) => this.#scoreBatch(order, samples));
    if (isLeftOut(scored.score)) throw new QuarryError('ENGINE_FAILED', 'no scorer could score the data');
    return scored;
  }

  #find({ manifest, config, seed, precision }: Order, { checksum, sizeBytes }: RequestedData): Scored | undefined {
    if (seed !== AUDITED_SEED) return undefined;
    return this.#deps.kept?.find(config.embeddingDim, { model: weightsKey(manifest), checksum, sizeBytes, precision });
  }

  async #scoreBatch(order: Order, samples: readonly Sample[]): Promise<Scored[]> {
    const { manifest, config, seed, precision } = order;
    const options: ScoreOptions = { seed, ...(precision && { precision }) };
    const inputs = samples.map(({ bytes }) => bytes);
    const scored = await this.#deps.models.use(manifest, config, async (loaded) => {
      const scores = await loaded.score(inputs, options);
      return samples.flatMap((sample, i): ScoredSample[] => {
        const score = scores[i];
        return score === undefined ? [] : [{ ...sample, score, bound: loaded.errorBound }];
      });
    });
    // A sample that could not be scored may be scored later.
    const finite = scored.filter(({ score }) => Number.isFinite(score.loss));
    for (const { checksum, bytes, score, bound } of finite) {
      this.#remembered.set(order, checksum, bytes.length, { score, bound });
    }
    if (seed === AUDITED_SEED) await this.#deps.kept?.keep(config.embeddingDim, weightsKey(manifest), finite);
    return scored;
  }

  /** Downloads and verifies a request's data; concurrent calls share one download. */
  #fetchOnce(data: RequestedData): Promise<Uint8Array> {
    const key = `${Buffer.from(data.checksum).toString('hex')} ${data.sizeBytes} ${data.url}`;
    const pending = this.#fetching.get(key);
    if (pending !== undefined) return pending;
    const fetching = this.#fetch(data).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  async #fetch({ url, checksum, sizeBytes }: RequestedData): Promise<Uint8Array> {
    const bytes = await this.#deps.http.bytes({ url, maxBytes: sizeBytes });
    // The request is wrong about its data, as the official service sees it.
    if (bytes.length !== sizeBytes)
      throw new QuarryError('INVALID_ARGUMENT', `Invalid data: ${bytes.length} bytes, not ${sizeBytes}`);
    if (Buffer.compare(blake2b256(bytes), checksum) !== 0)
      throw new QuarryError('INVALID_ARGUMENT', 'Checksum of the data does not match');
    return bytes;
  }
}

function setting(manifest: WeightsManifest, seed: bigint, precision: 'f32' | undefined): ScoreSetting {
  return { identity: weightsIdentity(manifest), seed, precision };
}

/**
 * Whether f32 has to decide the winner: another loss is within the error bounds of the lowest, or one is not finite in low
 * precision.
 */
function isUndecided(scored: readonly Scored[]): boolean {
  const finite = scored.filter(({ score }) => Number.isFinite(score.loss));
  if (scored.some((each) => !finite.includes(each) && each.score.precision !== 'f32')) return true;
  const [first, ...others] = finite.toSorted((a, b) => a.score.loss - b.score.loss);
  return others.some(({ score, bound }) => {
    const mayErr = bound.loss + (first?.bound.loss ?? 0);
    return mayErr > 0 && score.loss - (first?.score.loss ?? 0) <= mayErr;
  });
}
