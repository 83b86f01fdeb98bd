import type { LoadedModel, Score } from '../../engine/contract.js';

interface Waiting {
  readonly sample: Uint8Array;
  readonly resolve: (score: Score) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Batches concurrent calls for one model: samples that arrive while a batch is scored form the next one. Scored one
 * call at a time, they would keep only one of the engine's workers busy.
 */
export class ScoreBatcher {
  readonly #most: number;
  readonly #queues = new Map<string, Waiting[]>();

  /** @param most maximum samples per batch */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Scores a sample, batched with others of the same key.
   *
   * @param key identifies model, seed and precision
   * @param run scores a batch
   */
  score(key: string, sample: Uint8Array, run: (samples: Uint8Array[]) => ReturnType<LoadedModel['score']>) {
    return new Promise<Score>((resolve, reject) => {
      const queue = this.#queues.get(key);
      if (queue !== undefined) {
        queue.push({ sample, resolve, reject });
        return;
      }
      this.#queues.set(key, [{ sample, resolve, reject }]);
      void this.#drain(key, run);
    });
  }

  async #drain(key: string, run: (samples: Uint8Array[]) => Promise<Score[]>): Promise<void> {
    const queue = this.#queues.get(key) ?? [];
    while (queue.length > 0) {
      const batch = queue.splice(0, this.#most);
      try {
        const scores = await run(batch.map(({ sample }) => sample));
        batch.forEach(({ resolve, reject }, i) => {
          const score = scores[i];
          if (score === undefined) reject(new Error('the engine returned no score'));
          else resolve(score);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#queues.delete(key);
  }
}
