/** Gram columns kept; the least recently used goes. With 4,096 rows a column takes 16 KiB. */
const MAX_COLUMNS = 512;

interface GramColumn {
  readonly values: Float32Array;
  /** Slots below this are up to date. */
  filled: number;
}

/** Embeddings and losses of up to `capacity` rows under one model, with the products that composing asks for again. */
export class RowPool {
  readonly dim: number;
  readonly capacity: number;
  /** Squared lengths. A slot without a row has NaN. */
  readonly squares: Float64Array;
  readonly losses: Float64Array;
  /** How far each loss may be off. */
  readonly lossBounds: Float64Array;
  readonly #columns = new Map<number, GramColumn>();
  #rows: Float32Array;
  #count = 0;

  constructor(dim: number, capacity: number) {
    this.dim = dim;
    this.capacity = capacity;
    this.squares = new Float64Array(capacity).fill(Number.NaN);
    this.losses = new Float64Array(capacity).fill(Number.NaN);
    this.lossBounds = new Float64Array(capacity);
    this.#rows = new Float32Array(dim * Math.min(capacity, 64));
  }

  /** Slots in use: all rows lie below. */
  get count(): number {
    return this.#count;
  }

  /** Puts a row into a slot, in the place of what was there. */
  set(slot: number, embedding: Float32Array, loss: number, lossBound: number): void {
    this.#reserve(slot + 1);
    this.#rows.set(embedding, slot * this.dim);
    const square = dot(this.#rows, slot * this.dim, this.#rows, slot * this.dim, this.dim);
    // Rows without a length or a loss can be no part of anything.
    this.squares[slot] = square > 0 && Number.isFinite(square) && Number.isFinite(loss) ? square : Number.NaN;
    this.losses[slot] = loss;
    this.lossBounds[slot] = lossBound;
    this.#forget(slot);
  }

  /** Empties a slot. */
  clear(slot: number): void {
    this.squares[slot] = Number.NaN;
  }

  has(slot: number): boolean {
    return !Number.isNaN(this.squares[slot]!);
  }

  embedding(slot: number): Float32Array {
    return this.#rows.subarray(slot * this.dim, (slot + 1) * this.dim);
  }

  /** Products of every row with a vector; NaN where a slot has no row. */
  dots(vector: Float32Array): Float64Array {
    const out = new Float64Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      out[i] = this.has(i) ? dot(this.#rows, i * this.dim, vector, 0, this.dim) : Number.NaN;
    }
    return out;
  }

  /** Products of every row with the row in `slot`, kept for the next time. */
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

  #product(a: number, b: number): number {
    return dot(this.#rows, a * this.dim, this.#rows, b * this.dim, this.dim);
  }

  #forget(slot: number): void {
    this.#columns.delete(slot);
    for (const [other, column] of this.#columns) {
      if (slot < column.filled) column.values[slot] = this.#product(other, slot);
    }
  }

  #reserve(count: number): void {
    if (count > this.#count) this.#count = count;
    if (count * this.dim <= this.#rows.length) return;
    const larger = new Float32Array(
      this.dim * Math.min(this.capacity, Math.max(count, (2 * this.#rows.length) / this.dim)),
    );
    larger.set(this.#rows);
    this.#rows = larger;
  }
}

/** Four partial sums, so that no addition waits for the one before. */
function dot(a: Float32Array, from: number, b: Float32Array, at: number, dim: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const even = dim & ~3;
  for (let i = 0; i < even; i += 4) {
    s0 += a[from + i]! * b[at + i]!;
    s1 += a[from + i + 1]! * b[at + i + 1]!;
    s2 += a[from + i + 2]! * b[at + i + 2]!;
    s3 += a[from + i + 3]! * b[at + i + 3]!;
  }
  for (let i = even; i < dim; i++) s0 += a[from + i]! * b[at + i]!;
  return s0 + s1 + (s2 + s3);
}
