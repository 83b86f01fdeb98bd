import type { QuarryError } from '../errors/index.js';

/** Called with what is left out of a source, by name, and why. */
export type OnLeftOut = (name: string, error: QuarryError) => void;

/** Names told one by one before the rest is only counted. */
const NAMED = 5;

/** Skipped records of one file: the first few are reported by name, the others as a count. */
export class LeftOut {
  readonly #tell: OnLeftOut | undefined;
  readonly #first: { readonly name: string; readonly error: QuarryError }[] = [];
  #count = 0;

  constructor(tell: OnLeftOut | undefined) {
    this.#tell = tell;
  }

  /** Leaves one record out. */
  add(name: string, error: QuarryError): void {
    if (this.#count++ < NAMED) this.#first.push({ name, error });
  }

  /** The first failure: the file's own when no record could be read. */
  get error(): QuarryError | undefined {
    return this.#first[0]?.error;
  }

  /** Tells what was left out; call it once, at the end of a file of which something could be read. */
  finish(): void {
    for (const { name, error } of this.#first) this.#tell?.(name, error);
    const last = this.#first.at(-1);
    if (last !== undefined && this.#count > NAMED) {
      this.#tell?.(`${this.#count - NAMED} more records after ${last.name}`, last.error);
    }
  }
}
