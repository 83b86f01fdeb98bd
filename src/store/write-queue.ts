import { QuarryError, toQuarryError } from '../errors/index.js';

/** Serialises writes. After a write that left files and index inconsistent, the store must be reopened. */
export class WriteQueue {
  readonly #isReadonly: boolean;
  #last: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  #closed = false;

  constructor(isReadonly: boolean) {
    this.#isReadonly = isReadonly;
  }

  /**
   * @throws QuarryError `FAILED_PRECONDITION` when the store is read-only or closed; the code of an earlier write that failed
   * midway
   */
  run<T>(body: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new QuarryError('FAILED_PRECONDITION', 'the store is closed'));
    const result = this.#last.then(() => {
      this.#assertWritable();
      return body();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Makes all later writes fail. */
  fail(error: unknown): void {
    this.#failure = error;
  }

  /** Refuses new writes and waits for pending ones. Returns false if already closed. */
  async close(): Promise<boolean> {
    if (this.#closed) return false;
    this.#closed = true;
    await this.#last;
    return true;
  }

  #assertWritable(): void {
    if (this.#isReadonly) throw new QuarryError('FAILED_PRECONDITION', 'the store is open read-only');
    if (this.#failure === undefined) return;
    // Keeps the code of the failure: callers wait for a disk that is full or failing.
    const { code, message } = toQuarryError(this.#failure, 'writing to the store');
    throw new QuarryError(code, `an earlier write to the store failed midway: ${message}`, {
      hint: 'close and reopen the store to repair it',
      cause: this.#failure,
      retryable: false,
    });
  }
}
