import type { FoundParts, PoolGoals } from './pool.js';

/** The rows that are searched. */
export interface SearchedRows {
  /** Slots in use: all rows lie below. */
  readonly count: number;
  /** Squared lengths. A slot without a row has NaN. */
  readonly squares: Float64Array;
  /** Products of every row with a vector; NaN where a slot has no row. */
  dots(vector: Float32Array): Float64Array;
  /** Products of every row with the row in `slot`. */
  column(slot: number): Float32Array;
}

/** What is searched for: one of the goals of a pool. */
export interface CompositionGoal extends Pick<PoolGoals, 'leads' | 'maxParts' | 'fewest'> {
  /** `[dim]` */
  readonly embedding: Float32Array;
  readonly cosine: number;
}

/** Passes over all parts that look for a better one in each place. */
const MAX_PASSES = 6;
/** Less than this is not a gain. */
const LEAST_GAIN = 1e-7;

/** The search of a pool's contract for one target, in plain TypeScript. */
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
  /** Products of all rows with the unit target. */
  readonly #toTarget: Float64Array;
  /** Products of all rows with the sum of the parts. */
  readonly #toSum: Float64Array;
  /** Per rival: by how much the parts together lie below it. */
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

  /** Adds the row that brings the sum closest; false when there is none. */
  grow(): boolean {
    const slot = this.#bestAddition(0);
    if (slot === undefined) return false;
    this.#add(slot, 1);
    this.slots.push(slot);
    this.#note();
    return true;
  }

  /** Takes each part out in turn and puts the best row in its place, where that helps. */
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

  /** The row that, added, gives the largest cosine over `least`, of those that leave the winner the winner. */
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
