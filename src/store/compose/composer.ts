import { cosineDistance, selectBest } from '../../engine/reference/index.js';
import type { MatchTarget } from '../match.js';
import { type ModelKey, modelKeyId } from '../model-key.js';
import type { ScoreLog } from '../score-log.js';
import type { Store } from '../store.js';
import type { LossErrorBound } from '../winner-index.js';
import { composedScore, type PartScore } from './composed-score.js';
import { RowPool } from './row-pool.js';
import { type FoundComposition, searchComposition } from './search.js';
import { SlotTable } from './slot-table.js';

/** Models whose rows are kept in memory; the least recently used goes. */
const MAX_MODELS = 16;

/** How compositions are made. */
export interface ComposerOptions {
  /** Rows kept in memory per model. Default 4,096. */
  readonly capacity?: number;
  /** Bytes of a chunk: samples of this size are what compositions are made of. Default 1,024. */
  readonly chunkBytes?: number;
}

/** Which composition is wanted. */
export interface ComposePolicy {
  /** Parts at most. Default 16, a batch. */
  readonly maxParts?: number;
  /** How much the composition must lie inside the threshold. Default 0. */
  readonly margin?: number;
  readonly lossErrorBound?: LossErrorBound;
  /** Fewest parts first, at more time. Default false. */
  readonly fewest?: boolean;
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

interface ModelRows {
  readonly log: ScoreLog;
  readonly pool: RowPool;
  /** Sample and row that each slot was filled from. */
  readonly samples: Int32Array;
  readonly rows: Int32Array;
  /** The error bounds that the losses were given. */
  boundsOf: string;
}

/** Finds compositions among the samples of a store: joined chunks have the mean of their scores, so nothing is scored. */
export class Composer {
  readonly #store: Store;
  readonly #slots: SlotTable;
  readonly #models = new Map<string, ModelRows>();

  constructor(store: Store, options: ComposerOptions = {}) {
    this.#store = store;
    this.#slots = new SlotTable(options.capacity ?? 4096, options.chunkBytes ?? 1024);
  }

  /**
   * A composition that hits the target, won by one of its models by more than the error bounds; one sample alone counts
   * as none, since `match` finds it.
   *
   * @returns undefined when none was found or a model has no scores here
   */
  compose(target: MatchTarget, policy: ComposePolicy = {}): Composition | undefined {
    const found = this.search(target, policy);
    return found === undefined || found.distance > target.threshold - (policy.margin ?? 0) ? undefined : found;
  }

  /** The closest composition that was found, whether it hits or not. */
  search(target: MatchTarget, policy: ComposePolicy = {}): Composition | undefined {
    this.#slots.update(this.#store.internals.samples);
    const models = target.models.map((key) => this.#rowsOf(key, policy.lossErrorBound ?? {}));
    if (models.length === 0 || !models.every((rows) => rows !== undefined)) return undefined;
    const pools = models.map(({ pool }) => pool);
    // A little further inside than asked: the search adds in another order than the check below.
    const cosine = 1 - target.threshold + (policy.margin ?? 0) + 1e-6;
    const goal = {
      embedding: target.embedding,
      cosine,
      maxParts: policy.maxParts ?? 16,
      fewest: policy.fewest ?? false,
    };
    let best: FoundComposition | undefined;
    for (const [winner, pool] of pools.entries()) {
      if (pools.indexOf(pool) !== winner) continue;
      const found = searchComposition(pools, winner, goal);
      if (found !== undefined && isBetter(found, best, cosine)) best = found;
      if (best !== undefined && best.cosine >= cosine && policy.fewest !== true) break;
    }
    return best === undefined ? undefined : this.#describe(target, models, best);
  }

  #describe(target: MatchTarget, models: readonly ModelRows[], found: FoundComposition): Composition | undefined {
    const parts = found.slots.map((slot) => this.#slots.sampleAt(slot)).sort((a, b) => a - b);
    const scores = models.map(({ log }) => composedScore(parts.map((id) => scoreIn(log, id))));
    // The sums were kept along the way; what counts is what the parts come to.
    if (selectBest(scores.map(({ loss }) => loss)) !== found.winner) return undefined;
    const isF32 = models.every(({ log }) => parts.every((id) => log.precision(log.rowOf(id)!) === 'f32'));
    const distance = cosineDistance(scores[found.winner]!.embedding, target.embedding);
    return { targetId: target.id, parts, winner: found.winner, distance, scores, isF32 };
  }

  /** A model's rows, up to date with the store. */
  #rowsOf(key: ModelKey, bound: LossErrorBound): ModelRows | undefined {
    const id = modelKeyId(key);
    const log = this.#store.internals.logs.get(id);
    if (log === undefined) return undefined;
    const known = this.#models.get(id);
    const rows = known?.log === log ? known : this.#emptyRows(log);
    this.#models.delete(id);
    this.#models.set(id, rows);
    const [oldest] = this.#models.keys();
    if (this.#models.size > MAX_MODELS && oldest !== undefined) this.#models.delete(oldest);
    this.#fill(rows, bound);
    return rows;
  }

  #emptyRows(log: ScoreLog): ModelRows {
    const { capacity } = this.#slots;
    const pool = new RowPool(log.embeddingDim, capacity);
    const none = (): Int32Array => new Int32Array(capacity).fill(-1);
    return { log, pool, samples: none(), rows: none(), boundsOf: '' };
  }

  #fill(rows: ModelRows, { f32 = 1e-5, low = 2e-3 }: LossErrorBound): void {
    const { log, pool } = rows;
    const { dead } = this.#store.internals.samples;
    const bounds = `${f32} ${low}`;
    const boundOf = (row: number): number => (log.precision(row) === 'f32' ? f32 : low);
    for (let slot = 0; slot < this.#slots.count; slot++) {
      const sample = this.#slots.sampleAt(slot);
      const row = dead.array[sample] === 1 ? undefined : log.rowOf(sample);
      if (row === undefined) {
        if (rows.rows[slot] !== -1) pool.clear(slot);
        rows.rows[slot] = -1;
      } else if (rows.samples[slot] !== sample || rows.rows[slot] !== row) {
        pool.set(slot, log.embedding(row), log.losses.array[row]!, boundOf(row));
        rows.samples[slot] = sample;
        rows.rows[slot] = row;
      } else if (rows.boundsOf !== bounds) pool.lossBounds[slot] = boundOf(row);
    }
    rows.boundsOf = bounds;
  }
}

function scoreIn(log: ScoreLog, sampleId: number): PartScore {
  const row = log.rowOf(sampleId)!;
  return { loss: log.losses.array[row]!, embedding: log.embedding(row) };
}

/** Those that hit before those that do not, then fewer parts, or the closer one where neither hits. */
function isBetter(found: FoundComposition, best: FoundComposition | undefined, cosine: number): boolean {
  if (best === undefined) return true;
  if (found.cosine >= cosine && best.cosine >= cosine) return found.slots.length < best.slots.length;
  return found.cosine > best.cosine;
}
