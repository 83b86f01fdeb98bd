import type { RowPool } from './row-pool.js';

/** What a composition is searched for. */
export interface CompositionGoal {
  /** `[dim]` */
  readonly embedding: Float32Array;
  /** The search ends with the first composition that lies this close, cosine. */
  readonly cosine: number;
  readonly maxParts: number;
  /** Look for better parts at every length, so that fewer parts are enough. Default: at the last length only. */
  readonly fewest?: boolean;
}

/** Slots whose rows together come close to a target. */
export interface FoundComposition {
  readonly winner: number;
  /** Slots, repetition allowed. */
  readonly slots: readonly number[];
  /** Of the mean embedding to the target. */
  readonly cosine: number;
}

/** Joined parts meet other rotary positions: their loss differs from the mean by the rounding of those. */
const JOINING_NOISE = 2e-5;
/** Passes over all parts that look for a better one in each place. */
const MAX_PASSES = 6;
/** Less than this is no gain. */
const LEAST_GAIN = 1e-7;

/**
 * The best composition that `pools[winner]` wins: greedy by cosine, then parts are exchanged as long as that helps. At
 * every step the winner's mean loss lies below that of all others by more than the bounds of all parts together.
 *
 * @param pools rows of the same samples under each model, slot by slot
 * @returns undefined when no row can begin one
 */
export function searchComposition(
  pools: readonly RowPool[],
  winner: number,
  goal: CompositionGoal,
): FoundComposition | undefined {
  const search = new Search(pools, winner, goal.embedding);
  while (search.slots.length < goal.maxParts) {
    if (!search.grow()) break;
    const last = search.slots.length === goal.maxParts;
    if (search.cosine >= goal.cosine) break;
    if ((goal.fewest || last) && search.slots.length > 1) search.exchange();
    if (search.cosine >= goal.cosine) break;
  }
  return search.best;
}

class Search {
  readonly slots: number[] = [];
  best: FoundComposition | undefined;
  readonly #pool: RowPool;
  readonly #rivals: readonly RowPool[];
  readonly #winner: number;
  /** Products of all rows with the unit target. */
  readonly #toTarget: Float64Array;
  /** Products of all rows with the sum of the parts. */
  readonly #toSum: Float64Array;
  /** Per rival: by how much the parts together lose to the winner, bounds taken off. */
  readonly #leads: Float64Array;
  #along = 0;
  #square = 0;

  constructor(pools: readonly RowPool[], winner: number, target: Float32Array) {
    this.#pool = pools[winner]!;
    this.#winner = winner;
    this.#rivals = pools.filter((pool) => pool !== this.#pool);
    const length = Math.hypot(...target);
    this.#toTarget = this.#pool.dots(target.map((value) => value / length));
    this.#toSum = new Float64Array(this.#pool.count);
    this.#leads = new Float64Array(this.#rivals.length);
  }

  get cosine(): number {
    return this.#square > 0 ? this.#along / Math.sqrt(this.#square) : Number.NEGATIVE_INFINITY;
  }

  /** Adds the row that brings the sum closest; false when there is none. */
  grow(): boolean {
    const slot = this.#bestAddition(0);
    if (slot === undefined) return false;
    this.#add(slot, 1);
    this.slots.push(slot);
    this.#note();
    return true;
  }

  /** Takes each part out in turn and puts the best row in its place. */
  exchange(): void {
    for (let pass = 0, improved = true; improved && pass < MAX_PASSES; pass++) {
      improved = false;
      for (let place = 0; place < this.slots.length; place++) {
        const old = this.slots[place]!;
        const before = this.cosine;
        this.#add(old, -1);
        const slot = this.#bestAddition(before) ?? old;
        this.#add(slot, 1);
        this.slots[place] = slot;
        if (slot !== old && this.cosine > before + LEAST_GAIN) improved = true;
      }
    }
    this.#note();
  }

  #note(): void {
    const { cosine } = this;
    if (cosine > (this.best?.cosine ?? Number.NEGATIVE_INFINITY)) {
      this.best = { winner: this.#winner, slots: [...this.slots], cosine };
    }
  }

  /** The row that, added, gives the largest cosine over `least`, of those that leave the winner the winner. */
  #bestAddition(least: number): number | undefined {
    const { squares } = this.#pool;
    const toTarget = this.#toTarget;
    const toSum = this.#toSum;
    const along = this.#along;
    const square = this.#square;
    let best = least * least;
    let found: number | undefined;
    for (let i = 0; i < toTarget.length; i++) {
      const sum = along + toTarget[i]!;
      // Empty slots are NaN, which is not above anything.
      if (!(sum > 0)) continue;
      const closeness = (sum * sum) / (square + 2 * toSum[i]! + squares[i]!);
      if (!(closeness > best) || !this.#staysWinner(i)) continue;
      best = closeness;
      found = i;
    }
    return found;
  }

  #staysWinner(slot: number): boolean {
    for (let r = 0; r < this.#rivals.length; r++) if (!(this.#leads[r]! + this.#leadOver(r, slot) > 0)) return false;
    return true;
  }

  #leadOver(rival: number, slot: number): number {
    const other = this.#rivals[rival]!;
    if (!other.has(slot)) return Number.NaN;
    const bounds = other.lossBounds[slot]! + this.#pool.lossBounds[slot]!;
    return other.losses[slot]! - this.#pool.losses[slot]! - bounds - JOINING_NOISE;
  }

  #add(slot: number, sign: 1 | -1): void {
    const pool = this.#pool;
    this.#square += sign * 2 * this.#toSum[slot]! + pool.squares[slot]!;
    this.#along += sign * this.#toTarget[slot]!;
    const column = pool.column(slot);
    const toSum = this.#toSum;
    for (let i = 0; i < toSum.length; i++) toSum[i] = toSum[i]! + sign * column[i]!;
    for (let r = 0; r < this.#rivals.length; r++) this.#leads[r] = this.#leads[r]! + sign * this.#leadOver(r, slot);
  }
}
