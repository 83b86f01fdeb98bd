import type { LoadedModel, Score } from '../../engine/contract.js';

interface Waiting {
  readonly sample: Uint8Array;
  readonly resolve: (score: Score) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Joins concurrent calls for one model: what arrives while a batch is scored makes up the next one. The engine then has
 * a sample for each of its workers, where one call at a time would keep one busy.
 */
export class ScoreBatcher {
  readonly #most: number;
  readonly #queues = new Map<string, Waiting[]>();

  /** @param most samples of one batch */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Scores a sample, together with others of the same key.
   *
   * @param key of the model, its seed and precision
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
