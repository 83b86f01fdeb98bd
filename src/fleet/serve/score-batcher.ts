interface Waiting<I, O> {
  readonly item: I;
  readonly resolve: (result: O) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Batches concurrent calls for one model: samples that arrive while a batch is scored form the next one. Scored one
 * call at a time, they would keep only one of the engine's workers busy.
 */
export class ScoreBatcher<I, O> {
  readonly #most: number;
  readonly #queues = new Map<string, Waiting<I, O>[]>();

  /** @param most maximum samples per batch */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Scores a sample, batched with others of the same key.
   *
   * @param key identifies model, seed and precision
   * @param run scores a batch, in order
   */
  score(key: string, item: I, run: (items: I[]) => Promise<O[]>): Promise<O> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(key);
      if (queue !== undefined) {
        queue.push({ item, resolve, reject });
        return;
      }
      this.#queues.set(key, [{ item, resolve, reject }]);
      void this.#drain(key, run);
    });
  }

  async #drain(key: string, run: (items: I[]) => Promise<O[]>): Promise<void> {
    const queue = this.#queues.get(key) ?? [];
    while (queue.length > 0) {
      const batch = queue.splice(0, this.#most);
      try {
        const results = await run(batch.map(({ item }) => item));
        batch.forEach(({ resolve, reject }, i) => {
          const result = results[i];
          if (result === undefined) reject(new Error('the engine returned no score'));
          else resolve(result);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#queues.delete(key);
  }
}
