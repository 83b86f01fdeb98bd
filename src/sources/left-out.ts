import type { QuarryError } from '../errors/index.js';

/** Called with the name and reason of anything left out of a source. */
export type OnLeftOut = (name: string, error: QuarryError) => void;

/** Number of records reported by name; further ones are only counted. */
const NAMED = 5;

/** Records left out of one file: reports the first few by name and the rest as a count. */
export class LeftOut {
  readonly #tell: OnLeftOut | undefined;
  readonly #first: { readonly name: string; readonly error: QuarryError }[] = [];
  #count = 0;

  constructor(tell: OnLeftOut | undefined) {
    this.#tell = tell;
  }

  /** Adds a record. */
  add(name: string, error: QuarryError): void {
    if (this.#count++ < NAMED) this.#first.push({ name, error });
  }

  /** The first failure, which becomes the file's if no record could be read. */
  get error(): QuarryError | undefined {
    return this.#first[0]?.error;
  }

  /** Reports the count. Call once at the end, if some of the file could be read. */
  finish(): void {
    for (const { name, error } of this.#first) this.#tell?.(name, error);
    const last = this.#first.at(-1);
    if (last !== undefined && this.#count > NAMED) {
      this.#tell?.(`${this.#count - NAMED} more records after ${last.name}`, last.error);
    }
  }
}
