import { cosineDistance, selectBest } from '../../engine/reference/index.js';
import type { LossErrorBound } from '../loss-error-bound.js';
import type { MatchTarget } from '../match.js';
import { modelKeyId } from '../model-key.js';
import type { ScoreLog } from '../score-log.js';
import type { Store } from '../store.js';
import { composedScore, type PartScore } from './composed-score.js';
import { leadOfRow, ModelRows } from './model-rows.js';
import type { FoundParts } from './pool.js';

/** Memory for pools, enough for ten of 4,096 rows at width 2,048. The least recently used model is evicted. */
const MAX_BYTES = 1.25 * 2 ** 30;
/** New rows of each model that a search adds to the pools first; {@link Composer.refresh} adds all. */
const ROWS_PER_SEARCH = 256;

/** Options of a {@link Composer}. */
export interface ComposerOptions {
  /** Maximum rows kept in memory per model. Default 4,096. */
  readonly capacity?: number | undefined;
  /** Size of a chunk, bytes: only samples of exactly this size are used as parts. Default 1,024. */
  readonly chunkBytes?: number | undefined;
  /** Uses only samples with ids below this, to reproduce an earlier state. Default: all. */
  readonly below?: number | undefined;
}

/** Constraints on compositions. */
export interface ComposePolicy {
  /** Maximum parts. Default 16, a batch. */
  readonly maxParts?: number | undefined;
  /** How far inside the threshold a composition must lie, cosine distance. Default 0. */
  readonly margin?: number | undefined;
  /** Bounds within which two losses are a near-tie; default as in {@link LossErrorBound}. */
  readonly lossErrorBound?: LossErrorBound | undefined;
  /** Prefer fewer parts, which takes longer. Default false. */
  readonly fewest?: boolean | undefined;
}

/** Samples to join for a target. */
export interface Composition {
  readonly targetId: string;
  /** Sample ids in the order of joining; may contain repetitions. */
  readonly parts: readonly number[];
  /** Index of the winner in the target's models. */
  readonly winner: number;
  readonly distance: number;
  /** Scores of the joined sample under every model, in the target's order: the means of the parts' rows. */
  readonly scores: readonly { readonly loss: number; readonly embedding: Float32Array }[];
  /** Whether all rows it is computed from are f32. */
  readonly isF32: boolean;
}

interface Found extends FoundParts {
  readonly winner: number;
}

/** Finds compositions among a store's samples. A joined sample scores the mean of its chunks, so nothing is scored. */
export class Composer {
  readonly #store: Store;
  readonly #capacity: number;
  readonly #chunkBytes: number;
  readonly #below: number;
  readonly #models = new Map<string, ModelRows>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(store: Store, options: ComposerOptions = {}) {
    const { capacity = 4096, chunkBytes = 1024, below = Number.POSITIVE_INFINITY } = options;
    this.#store = store;
    this.#capacity = capacity;
    this.#chunkBytes = chunkBytes;
    this.#below = below;
  }

  /**
   * Finds a composition that hits each target and is won by one of its models by more than the error bounds. All
   * targets must name the same models.
   *
   * @returns in the order of `targets`; undefined if none was found or a model has no scores
   */
  compose(targets: readonly MatchTarget[], policy: ComposePolicy = {}): Promise<(Composition | undefined)[]> {
    return this.#alone(async () => {
      const models = await this.#update(targets[0], ROWS_PER_SEARCH);
      if (models === undefined) return targets.map(() => undefined);
      const found = await this.#search(models, targets, policy);
      return targets.map((target, i) => {
        const best = found[i];
        if (best === undefined || best.cosine < cosineWanted(target, policy)) return undefined;
        const composition = describe(target, models, best);
        const limit = target.threshold - (policy.margin ?? 0);
        return composition === undefined || composition.distance > limit ? undefined : composition;
      });
    });
  }

  /**
   * Finds the closest composition to each target, whether it hits or not; may have a single part. All targets must name
   * the same models.
   *
   * @returns in the order of `targets`; undefined if no row can start one or a model has no scores
   */
  closest(targets: readonly MatchTarget[], policy: ComposePolicy = {}): Promise<(Composition | undefined)[]> {
    return this.#alone(async () => {
      const models = await this.#update(targets[0], ROWS_PER_SEARCH);
      const found = models === undefined ? [] : await this.#search(models, targets, policy);
      return targets.map((target, i) => {
        const best = found[i];
        return models === undefined || best === undefined ? undefined : describe(target, models, best);
      });
    });
  }

  /**
   * Evaluates given parts by their current rows.
   *
   * @returns undefined if a row is missing or `winner` does not win by more than the error bounds
   */
  evaluate(
    target: MatchTarget,
    parts: readonly number[],
    winner: number,
    lossErrorBound: LossErrorBound = {},
  ): Promise<Composition | undefined> {
    return this.#alone(async () => {
      const models = await this.#update(target, 0);
      const own = models?.[winner];
      if (models === undefined || own === undefined) return undefined;
      if (!haveRows(models, parts)) return undefined;
      const rivals = [...new Set(models)].filter((rows) => rows !== own);
      if (!rivals.every(({ log }) => sumOfLeads(own.log, log, parts, lossErrorBound) > 0)) return undefined;
      return describe(target, models, { slots: parts, winner, cosine: 0 });
    });
  }

  /**
   * Distance of the closest composition to each target, over all rows. All targets must name the same models.
   *
   * @returns cosine distances in the order of `targets`; 2 if nothing was found
   */
  async distances(targets: readonly MatchTarget[], policy: ComposePolicy = {}): Promise<number[]> {
    await this.refresh(targets[0]);
    return this.#alone(async () => {
      const models = await this.#update(targets[0], 0);
      const found = models === undefined ? [] : await this.#search(models, targets, policy);
      return targets.map((_, i) => Math.min(2, 1 - (found[i]?.cosine ?? -1)));
    });
  }

  /** Adds all rows of the target's models to the pools, in batches; searches can run in between. */
  async refresh(target: Pick<MatchTarget, 'models'> | undefined, signal?: AbortSignal): Promise<void> {
    for (let ready = false; !ready && signal?.aborted !== true; ) {
      ready = await this.#alone(async () => {
        const models = await this.#update(target, ROWS_PER_SEARCH);
        return models === undefined || models.every((rows) => rows.isCurrent);
      });
    }
  }

  /** Frees the pools once pending calls are done. */
  close(): Promise<void> {
    return this.#alone(async () => {
      for (const { pool } of this.#models.values()) pool.close();
      this.#models.clear();
    });
  }

  /** The best composition for each target, whichever model wins it. */
  async #search(
    models: readonly ModelRows[],
    targets: readonly MatchTarget[],
    policy: ComposePolicy,
  ): Promise<(Found | undefined)[]> {
    const { lossErrorBound = {}, maxParts = 16, fewest = false } = policy;
    const best: (Found | undefined)[] = targets.map(() => undefined);
    for (const [winner, rows] of models.entries()) {
      if (models.indexOf(rows) !== winner) continue;
      const open = targets.flatMap((target, i) => (fewest || !hits(best[i], target, policy) ? [i] : []));
      if (open.length === 0) break;
      const embeddings = new Float32Array(open.length * rows.pool.dim);
      for (const [at, i] of open.entries()) embeddings.set(targets[i]!.embedding, at * rows.pool.dim);
      const rivals = [...new Set(models)].filter((rival) => rival !== rows);
      const found = await rows.pool.search({
        targets: embeddings,
        cosines: Float64Array.from(open, (i) => cosineWanted(targets[i]!, policy)),
        leads: rivals.map(({ log }) => rows.leadsOver(log, lossErrorBound)),
        maxParts,
        fewest,
      });
      for (const [at, i] of open.entries()) {
        const { slots, cosine } = found[at]!;
        const candidate = { slots: slots.map((slot) => rows.sampleAt(slot)), cosine, winner };
        if (slots.length > 0 && isBetter(candidate, best[i], targets[i]!, policy)) best[i] = candidate;
      }
    }
    return best;
  }

  /** Rows of the target's models, after adding at most `most` new ones each; undefined if a model has no scores. */
  async #update(target: Pick<MatchTarget, 'models'> | undefined, most: number): Promise<ModelRows[] | undefined> {
    const { logs } = this.#store.internals;
    // Free the pools of models whose scores were dropped.
    for (const [id, { log, pool }] of this.#models) {
      if (logs.get(id) === log) continue;
      this.#models.delete(id);
      pool.close();
    }
    const wanted: ModelRows[] = [];
    for (const key of target?.models ?? []) {
      const id = modelKeyId(key);
      const log = logs.get(id);
      if (log === undefined) return undefined;
      wanted.push(this.#rowsOf(id, log));
    }
    this.#makeRoom(new Set(wanted));
    for (const rows of new Set(wanted)) await rows.update(most);
    return wanted.length === 0 ? undefined : wanted;
  }

  #rowsOf(id: string, log: ScoreLog): ModelRows {
    const rows =
      this.#models.get(id) ??
      new ModelRows(log, this.#store.internals.samples, {
        capacity: this.#capacity,
        chunkBytes: this.#chunkBytes,
        below: this.#below,
      });
    this.#models.delete(id);
    this.#models.set(id, rows);
    return rows;
  }

  /** Evicts the least recently used pools beyond the memory limit, except those wanted now. */
  #makeRoom(wanted: ReadonlySet<ModelRows>): void {
    for (const [id, rows] of this.#models) {
      const most = Math.max(3, Math.floor(MAX_BYTES / ModelRows.bytes(rows.log.embeddingDim, this.#capacity)));
      if (this.#models.size <= most) return;
      if (wanted.has(rows)) continue;
      this.#models.delete(id);
      rows.pool.close();
    }
  }

  /** Runs `work` exclusively, so that slots refer to the same samples throughout a search. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function haveRows(models: readonly ModelRows[], parts: readonly number[]): boolean {
  return models.every(({ log }) => parts.every((id) => log.rowOf(id) !== undefined));
}

function describe(target: MatchTarget, models: readonly ModelRows[], found: Found): Composition | undefined {
  const parts = [...found.slots].sort((a, b) => a - b);
  // A score may have been withdrawn during the search.
  if (!haveRows(models, parts)) return undefined;
  const scores = models.map(({ log }) => composedScore(parts.map((id) => scoreIn(log, id))));
  // The search used running sums; recompute from the parts.
  if (selectBest(scores.map(({ loss }) => loss)) !== found.winner) return undefined;
  const isF32 = models.every(({ log }) => parts.every((id) => log.precision(log.rowOf(id)!) === 'f32'));
  const distance = cosineDistance(scores[found.winner]!.embedding, target.embedding);
  return { targetId: target.id, parts, winner: found.winner, distance, scores, isF32 };
}

/** Total lead of a model over a rival over the parts, less the error bounds. */
function sumOfLeads(own: ScoreLog, rival: ScoreLog, parts: readonly number[], bounds: LossErrorBound): number {
  return parts.reduce((sum, id) => sum + leadOfRow(own, own.rowOf(id)!, rival, rival.rowOf(id)!, bounds), 0);
}

function scoreIn(log: ScoreLog, sampleId: number): PartScore {
  const row = log.rowOf(sampleId)!;
  return { loss: log.losses.array[row]!, embedding: log.embedding(row) };
}

/** Cosine to search for, slightly above the required one: search and final check sum in different orders. */
function cosineWanted({ threshold }: MatchTarget, { margin = 0 }: ComposePolicy): number {
  return 1 - threshold + margin + 1e-6;
}

function hits(found: Found | undefined, target: MatchTarget, policy: ComposePolicy): boolean {
  return found !== undefined && found.cosine >= cosineWanted(target, policy);
}

/** If both hit, the one with fewer parts is better; otherwise the closer one, so that a hit beats a miss. */
function isBetter(found: Found, best: Found | undefined, target: MatchTarget, policy: ComposePolicy): boolean {
  if (best === undefined) return true;
  if (hits(found, target, policy) && hits(best, target, policy)) return found.slots.length < best.slots.length;
  return found.cosine > best.cosine;
}
