import { cosineDistance, selectBest } from '../../engine/reference/index.js';
import type { MatchTarget } from '../match.js';
import { modelKeyId } from '../model-key.js';
import type { ScoreLog } from '../score-log.js';
import type { Store } from '../store.js';
import type { LossErrorBound } from '../winner-index.js';
import { composedScore, type PartScore } from './composed-score.js';
import { leadOfRow, ModelRows } from './model-rows.js';
import type { FoundParts } from './pool.js';

/** Memory for pools: ten of 4,096 rows at width 2,048 take this much. The model used least recently goes. */
const MAX_BYTES = 1.25 * 2 ** 30;
/** Rows of each model that a search takes up before it begins; {@link Composer.refresh} takes all. */
const ROWS_PER_SEARCH = 256;

/** How compositions are made. */
export interface ComposerOptions {
  /** Rows kept in memory per model. Default 4,096. */
  readonly capacity?: number | undefined;
  /** Bytes of a chunk: samples of this size are what compositions are made of. Default 1,024. */
  readonly chunkBytes?: number | undefined;
  /** Only samples with ids below this: how it was before the others came. Default: all. */
  readonly below?: number | undefined;
}

/** Which composition is wanted. */
export interface ComposePolicy {
  /** Parts at most. Default 16, a batch. */
  readonly maxParts?: number | undefined;
  /** How much the composition must lie inside the threshold. Default 0. */
  readonly margin?: number | undefined;
  readonly lossErrorBound?: LossErrorBound | undefined;
  /** Fewest parts first, at more time. Default false. */
  readonly fewest?: boolean | undefined;
}

/** Samples that, joined, hit a target. */
export interface Composition {
  readonly targetId: string;
  /** Sample ids in the order of joining; one may stand there several times. */
  readonly parts: readonly number[];
  /** Index of the winner in the target's models. */
  readonly winner: number;
  readonly distance: number;
  /** Scores of the joined sample under every model, in the target's order: means of the parts' rows. */
  readonly scores: readonly { readonly loss: number; readonly embedding: Float32Array }[];
  /** Whether every row it rests on was computed in f32. */
  readonly isF32: boolean;
}

interface Found extends FoundParts {
  readonly winner: number;
}

/** Finds compositions among the samples of a store: joined chunks have the mean of their scores, so nothing is scored. */
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
   * A composition for each target that hits it, won by one of its models by more than the error bounds; one sample alone
   * counts as none, since `match` finds it. The targets name the same models.
   *
   * @returns in the order of `targets`; undefined where none was found or a model has no scores here
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
   * The closest composition for each target, hit or not, one part included. The targets name the same models.
   *
   * @returns in the order of `targets`; undefined where no row can begin one or a model has no scores here
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
   * What parts that were found elsewhere come to, by their rows as they are now.
   *
   * @returns undefined when a row is missing, or the winner does not win by more than the error bounds
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
   * How close compositions come to each target, hit or not, among all rows there are. The targets name the same models.
   *
   * @returns cosine distances in the order of `targets`; 2 where nothing was found
   */
  async distances(targets: readonly MatchTarget[], policy: ComposePolicy = {}): Promise<number[]> {
    await this.refresh(targets[0]);
    return this.#alone(async () => {
      const models = await this.#update(targets[0], 0);
      const found = models === undefined ? [] : await this.#search(models, targets, policy);
      return targets.map((_, i) => Math.min(2, 1 - (found[i]?.cosine ?? -1)));
    });
  }

  /** Takes up every row of the target's models; between batches, searches go first. */
  async refresh(target: Pick<MatchTarget, 'models'> | undefined, signal?: AbortSignal): Promise<void> {
    for (let ready = false; !ready && signal?.aborted !== true; ) {
      ready = await this.#alone(async () => {
        const models = await this.#update(target, ROWS_PER_SEARCH);
        return models === undefined || models.every((rows) => rows.isCurrent);
      });
    }
  }

  /** Gives the pools' memory back once what was asked for is done. */
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

  /** The models' rows, with at most `most` more of each taken up; undefined when a model has no scores. */
  async #update(target: Pick<MatchTarget, 'models'> | undefined, most: number): Promise<ModelRows[] | undefined> {
    const { logs } = this.#store.internals;
    // Rows of weights that are gone would keep their scores in memory.
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

  /** Closes the pools used least recently, as many as there are too many, but none that is wanted now. */
  #makeRoom(wanted: ReadonlySet<ModelRows>): void {
    for (const [id, rows] of this.#models) {
      const most = Math.max(3, Math.floor(MAX_BYTES / ModelRows.bytes(rows.log.embeddingDim, this.#capacity)));
      if (this.#models.size <= most) return;
      if (wanted.has(rows)) continue;
      this.#models.delete(id);
      rows.pool.close();
    }
  }

  /** Slots mean the same samples from a search's beginning to its end. */
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
  // The sums were kept along the way; what counts is what the parts come to.
  if (selectBest(scores.map(({ loss }) => loss)) !== found.winner) return undefined;
  const isF32 = models.every(({ log }) => parts.every((id) => log.precision(log.rowOf(id)!) === 'f32'));
  const distance = cosineDistance(scores[found.winner]!.embedding, target.embedding);
  return { targetId: target.id, parts, winner: found.winner, distance, scores, isF32 };
}

/** By how much the parts together have less loss under one model than under another, all bounds taken off. */
function sumOfLeads(own: ScoreLog, rival: ScoreLog, parts: readonly number[], bounds: LossErrorBound): number {
  return parts.reduce((sum, id) => sum + leadOfRow(own, own.rowOf(id)!, rival, rival.rowOf(id)!, bounds), 0);
}

function scoreIn(log: ScoreLog, sampleId: number): PartScore {
  const row = log.rowOf(sampleId)!;
  return { loss: log.losses.array[row]!, embedding: log.embedding(row) };
}

/** A little further inside than asked: the search adds in another order than the check of what it found. */
function cosineWanted({ threshold }: MatchTarget, { margin = 0 }: ComposePolicy): number {
  return 1 - threshold + margin + 1e-6;
}

function hits(found: Found | undefined, target: MatchTarget, policy: ComposePolicy): boolean {
  return found !== undefined && found.cosine >= cosineWanted(target, policy);
}

/** Those that hit before those that do not, then fewer parts, or the closer one where neither hits. */
function isBetter(found: Found, best: Found | undefined, target: MatchTarget, policy: ComposePolicy): boolean {
  if (best === undefined) return true;
  if (hits(found, target, policy) && hits(best, target, policy)) return found.slots.length < best.slots.length;
  return found.cosine > best.cosine;
}
