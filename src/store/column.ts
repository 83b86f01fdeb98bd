/** Typed arrays that a {@link Column} can use. */
type ColumnArray = Uint8Array | Uint32Array | Int32Array | Float32Array;

/** A growable typed array. Only the first `length` entries of `array` are valid. */
export class Column<A extends ColumnArray> {
  length = 0;
  array: A;
  readonly #create: (length: number) => A;

  constructor(create: (length: number) => A, capacity = 1024) {
    this.#create = create;
    this.array = create(capacity);
  }

  push(value: number): void {
    this.reserve(this.length + 1);
    this.array[this.length++] = value;
  }

  /** Makes room for `capacity` entries without changing `length`. */
  reserve(capacity: number): void {
    if (capacity <= this.array.length) return;
    const grown = this.#create(Math.max(capacity, this.array.length + (this.array.length >> 1)));
    grown.set(this.array);
    this.array = grown;
  }

  /** Sets entry `index`, growing as needed; entries in between are zero. */
  set(index: number, value: number): void {
    this.reserve(index + 1);
    this.array[index] = value;
    if (index >= this.length) this.length = index + 1;
  }

  get byteLength(): number {
    return this.array.byteLength;
  }
}
