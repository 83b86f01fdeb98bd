import { dot } from '../../engine/js/dot.js';
import type { ComposePool, FoundParts, PoolGoals } from './pool.js';
import { type SearchedRows, searchComposition } from './search.js';

/** Cached Gram columns; the least recently used is evicted. With 4,096 rows a column takes 16 KiB. */
const MAX_COLUMNS = 512;

interface GramColumn {
  readonly values: Float32Array;
  /** Slots below this are up to date. */
  filled: number;
}

/** The pool in TypeScript: the oracle for the native one, and the fallback without it. */
export class ReferencePool implements ComposePool, SearchedRows {
  readonly name = 'reference';
  readonly dim: number;
  readonly capacity: number;
  /** Squared norm of each row; NaN for an empty slot. */
  readonly squares: Float64Array;
  readonly #columns = new Map<number, GramColumn>();
  readonly #empty: number[] = [];
  #rows: Float32Array;
  #count = 0;

  constructor(dim: number, capacity: number) {
    this.dim = dim;
    this.capacity = capacity;
    this.squares = new Float64Array(capacity).fill(Number.NaN);
    this.#rows = new Float32Array(dim * Math.min(capacity, 64));
  }

  /** One past the highest slot in use. */
  get count(): number {
    return this.#count;
  }

  async put(slots: Int32Array, rows: Float32Array): Promise<Int32Array> {
    return slots.map((slot, i) => {
      const row = rows.subarray(i * this.dim, (i + 1) * this.dim);
      const square = dot(row, 0, row, 0, this.dim);
      const isRow = square > 0 && Number.isFinite(square);
      const chosen = slot >= 0 ? slot : isRow ? this.#choose(row, square) : -1;
      if (isRow && chosen >= 0) this.#write(chosen, row, square);
      else if (!isRow && chosen >= 0) this.#clear(chosen);
      return chosen;
    });
  }

  async search({ targets, cosines, ...goals }: PoolGoals): Promise<FoundParts[]> {
    return Array.from(cosines, (cosine, i) => {
      const embedding = targets.subarray(i * this.dim, (i + 1) * this.dim);
      return searchComposition(this, { ...goals, embedding, cosine });
    });
  }

  close(): void {
    this.#rows = new Float32Array();
    this.#columns.clear();
    this.#count = 0;
  }

  /** Dot products of all rows with a vector; NaN for empty slots. */
  dots(vector: Float32Array): Float64Array {
    const out = new Float64Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      out[i] = this.#has(i) ? dot(this.#rows, i * this.dim, vector, 0, this.dim) : Number.NaN;
    }
    return out;
  }

  /** Dot products of all rows with the row in `slot`, cached. */
  column(slot: number): Float32Array {
    const column = this.#columns.get(slot) ?? { values: new Float32Array(this.capacity), filled: 0 };
    this.#columns.delete(slot);
    this.#columns.set(slot, column);
    const [oldest] = this.#columns.keys();
    if (this.#columns.size > MAX_COLUMNS && oldest !== undefined) this.#columns.delete(oldest);
    for (; column.filled < this.#count; column.filled++)
      column.values[column.filled] = this.#product(slot, column.filled);
    return column.values;
  }

  #has(slot: number): boolean {
    return !Number.isNaN(this.squares[slot]!);
  }

  #write(slot: number, row: Float32Array, square: number): void {
    this.#reserve(slot + 1);
    for (; this.#count < slot; this.#count++) this.#empty.push(this.#count);
    this.#count = Math.max(this.#count, slot + 1);
    this.#rows.set(row, slot * this.dim);
    this.squares[slot] = square;
    const at = this.#empty.indexOf(slot);
    if (at >= 0) this.#empty.splice(at, 1);
    this.#columns.delete(slot);
    for (const [other, column] of this.#columns) {
      if (slot < column.filled) column.values[slot] = this.#product(other, slot);
    }
  }

  #clear(slot: number): void {
    if (slot >= this.#count || !this.#has(slot)) return;
    this.squares[slot] = Number.NaN;
    this.#empty.push(slot);
  }

  /** Chooses a slot: an empty one, or that of the row with the closest neighbour if the new row is further from all. */
  #choose(row: Float32Array, square: number): number {
    const empty = this.#empty.at(-1);
    if (empty !== undefined) return empty;
    if (this.#count < this.capacity) return this.#count;
    const nearest = Float64Array.from({ length: this.#count }, (_, slot) => this.#nearestCosine(slot));
    const closest = nearest.indexOf(Math.max(...nearest));
    const products = this.dots(row);
    const cosine = products.reduce(
      (most, product, i) => (i === closest ? most : Math.max(most, product / Math.sqrt(square * this.squares[i]!))),
      -2,
    );
    return cosine < nearest[closest]! ? closest : -1;
  }

  #nearestCosine(slot: number): number {
    let most = -2;
    for (let i = 0; i < this.#count; i++) {
      const cosine = this.#product(slot, i) / Math.sqrt(this.squares[slot]! * this.squares[i]!);
      if (i !== slot && cosine > most) most = cosine;
    }
    return most;
  }

  #product(a: number, b: number): number {
    return dot(this.#rows, a * this.dim, this.#rows, b * this.dim, this.dim);
  }

  #reserve(count: number): void {
    if (count * this.dim <= this.#rows.length) return;
    const larger = new Float32Array(
      this.dim * Math.min(this.capacity, Math.max(count, (2 * this.#rows.length) / this.dim)),
    );
    larger.set(this.#rows);
    this.#rows = larger;
  }
}
