import type { FoundParts, PoolGoals } from './pool.js';

/** The rows to search. */
export interface SearchedRows {
  /** One past the highest slot in use. */
  readonly count: number;
  /** Squared norm of each row; NaN for an empty slot. */
  readonly squares: Float64Array;
  /** Dot products of all rows with a vector; NaN for empty slots. */
  dots(vector: Float32Array): Float64Array;
  /** Dot products of all rows with the row in `slot`. */
  column(slot: number): Float32Array;
}

/** The goal for one target; see {@link PoolGoals}. */
export interface CompositionGoal extends Pick<PoolGoals, 'leads' | 'maxParts' | 'fewest'> {
  /** `[dim]` */
  readonly embedding: Float32Array;
  readonly cosine: number;
}

/** Maximum exchange passes over all parts. */
const MAX_PASSES = 6;
/** Minimum gain in cosine. */
const LEAST_GAIN = 1e-7;

/** {@link ComposePool.search} for one target, in TypeScript. */
export function searchComposition(pool: SearchedRows, goal: CompositionGoal): FoundParts {
  const search = new Search(pool, goal);
  while (search.slots.length < goal.maxParts) {
    if (!search.grow()) break;
    const last = search.slots.length === goal.maxParts;
    if (search.best.cosine >= goal.cosine) break;
    if ((goal.fewest || last) && search.slots.length > 1) search.exchange();
    if (search.best.cosine >= goal.cosine) break;
  }
  return search.best;
}

class Search {
  readonly slots: number[] = [];
  best: FoundParts = { slots: [], cosine: -2 };
  readonly #pool: SearchedRows;
  readonly #leads: readonly Float32Array[];
  /** Dot products of all rows with the unit target. */
  readonly #toTarget: Float64Array;
  /** Dot products of all rows with the sum of the parts. */
  readonly #toSum: Float64Array;
  /** Per rival, the total lead of the parts. */
  readonly #leadSums: Float64Array;
  readonly #count: number;
  #along = 0;
  #square = 0;

  constructor(pool: SearchedRows, { embedding, leads }: CompositionGoal) {
    this.#pool = pool;
    this.#leads = leads;
    const length = Math.hypot(...embedding);
    this.#toTarget = pool.dots(embedding.map((value) => value / length));
    this.#toSum = new Float64Array(pool.count);
    this.#leadSums = new Float64Array(leads.length);
    this.#count = Math.min(pool.count, leads[0]?.length ?? pool.count);
  }

  /** Adds the row that brings the sum closest; false if there is none. */
  grow(): boolean {
    const slot = this.#bestAddition(0);
    if (slot === undefined) return false;
    this.#add(slot, 1);
    this.slots.push(slot);
    this.#note();
    return true;
  }

  /** Replaces each part in turn with the best row, if that helps. */
  exchange(): void {
    for (let pass = 0, improved = true; improved && pass < MAX_PASSES; pass++) {
      improved = false;
      for (let place = 0; place < this.slots.length; place++) {
        const old = this.slots[place]!;
        const before = this.#cosine;
        this.#add(old, -1);
        const slot = this.#bestAddition(before) ?? old;
        this.#add(slot, 1);
        if (slot === old) continue;
        if (this.#cosine > before + LEAST_GAIN) {
          this.slots[place] = slot;
          improved = true;
        } else {
          this.#add(slot, -1);
          this.#add(old, 1);
        }
      }
    }
    this.#note();
  }

  get #cosine(): number {
    return this.#square > 0 ? this.#along / Math.sqrt(this.#square) : -2;
  }

  #note(): void {
    if (this.#cosine > this.best.cosine) this.best = { slots: [...this.slots], cosine: this.#cosine };
  }

  /** The row whose addition gives the largest cosine above `least` without changing the winner. */
  #bestAddition(least: number): number | undefined {
    const { squares } = this.#pool;
    const toTarget = this.#toTarget;
    const toSum = this.#toSum;
    const along = this.#along;
    const square = this.#square;
    let best = Math.max(0, least) ** 2;
    let found: number | undefined;
    for (let i = 0; i < this.#count; i++) {
      const sum = along + toTarget[i]!;
      // Also skips empty slots, which are NaN.
      if (!(sum > 0)) continue;
      const closeness = (sum * sum) / (square + 2 * toSum[i]! + squares[i]!);
      if (!(closeness > best) || !this.#staysWinner(i)) continue;
      best = closeness;
      found = i;
    }
    return found;
  }

  #staysWinner(slot: number): boolean {
    const leads = this.#leads;
    for (let r = 0; r < leads.length; r++) if (!(this.#leadSums[r]! + leads[r]![slot]! > 0)) return false;
    return true;
  }

  #add(slot: number, sign: 1 | -1): void {
    this.#square += sign * 2 * this.#toSum[slot]! + this.#pool.squares[slot]!;
    this.#along += sign * this.#toTarget[slot]!;
    const column = this.#pool.column(slot);
    const toSum = this.#toSum;
    for (let i = 0; i < toSum.length; i++) toSum[i] = toSum[i]! + sign * column[i]!;
    for (const [r, lead] of this.#leads.entries()) this.#leadSums[r] = this.#leadSums[r]! + sign * lead[slot]!;
  }
}
