import { type ModelKey, modelKeyId } from './model-key.js';
import type { SampleLog } from './sample-log.js';
import type { ScoreLog } from './score-log.js';
import { WinnerIndex } from './winner-index.js';

/** Winner indexes kept in memory; the least recently used is evicted. */
const MAX_WINNER_INDEXES = 64;
/** Maximum models per winner index. */
const MAX_MODELS = 254;

/** Winner indexes by list of models, built on first use. */
export class WinnerIndexes {
  readonly #samples: SampleLog;
  readonly #logs: ReadonlyMap<string, ScoreLog>;
  readonly #indexes = new Map<string, WinnerIndex>();

  /** @param logs the store's score logs by model id */
  constructor(samples: SampleLog, logs: ReadonlyMap<string, ScoreLog>) {
    this.#samples = samples;
    this.#logs = logs;
  }

  /** Number of indexes in memory. */
  get size(): number {
    return this.#indexes.size;
  }

  /** Memory of all indexes, bytes. */
  get byteLength(): number {
    return [...this.#indexes.values()].reduce((sum, index) => sum + index.byteLength, 0);
  }

  /** The winner index of a list of models; `undefined` if a model has no scores or there are too many models. */
  of(models: readonly ModelKey[]): WinnerIndex | undefined {
    const ids = models.map(modelKeyId);
    const name = ids.join(' ');
    let index = this.#indexes.get(name);
    if (index === undefined) {
      const logs = ids.map((id) => this.#logs.get(id)).filter((log) => log !== undefined);
      if (ids.length === 0 || ids.length > MAX_MODELS || logs.length < ids.length) return undefined;
      index = new WinnerIndex(logs, this.#samples);
    }
    // Keep the map in order of use.
    this.#indexes.delete(name);
    this.#indexes.set(name, index);
    const [oldest] = this.#indexes.keys();
    if (this.#indexes.size > MAX_WINNER_INDEXES && oldest !== undefined) this.#indexes.delete(oldest);
    return index;
  }

  /** Updates samples in the indexes that include `log`, or in all. */
  update(sampleIds: Iterable<number>, log?: ScoreLog): void {
    const ids = [...sampleIds];
    for (const index of this.#indexes.values()) {
      if (log === undefined || index.logs.includes(log)) for (const id of ids) index.update(id);
    }
  }

  /** Drops the indexes that include a model whose scores are being dropped. */
  forget(log: ScoreLog): void {
    for (const [name, index] of this.#indexes) if (index.logs.includes(log)) this.#indexes.delete(name);
  }
}
