/**
 * Gives each call a turn of the event loop, so that it is answered before the next one is worked on. Otherwise the calls
 * of one read of a connection, of which there can be hundreds, would all be answered after the last.
 */
export class CallTurns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when all calls before this one have had their turn. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }
}
