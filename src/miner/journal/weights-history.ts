import type { Statements } from './statements.js';

/** Weights identified as in the store. */
export interface WeightsName {
  readonly architecture: string;
  /** 64 hex digits. */
  readonly checksum: string;
}

/** When weights were last seen active. */
export class WeightsHistory {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /**
   * Marks the active weights, and those in `known` without an entry, as seen in `epoch`. Deletes and returns weights
   * last seen before `epoch - keepEpochs`.
   */
  note(
    active: readonly WeightsName[],
    known: readonly WeightsName[],
    epoch: bigint,
    keepEpochs: number,
  ): WeightsName[] {
    const note = (verb: 'REPLACE' | 'IGNORE', names: readonly WeightsName[]): void => {
      const insert = this.#sql.prepare(`INSERT OR ${verb} INTO weights VALUES (?, ?, ?)`);
      for (const { architecture, checksum } of names) insert.run([architecture, checksum, Number(epoch)]);
    };
    return this.#sql.transaction(() => {
      note('IGNORE', known);
      note('REPLACE', active);
      const last = Number(epoch) - keepEpochs;
      const stale = this.#sql.prepare('SELECT architecture, checksum FROM weights WHERE active_epoch < ?').all([last]);
      this.#sql.prepare('DELETE FROM weights WHERE active_epoch < ?').run([last]);
      return stale.map((row) => ({
        architecture: String(row['architecture']),
        checksum: String(row['checksum']),
      }));
    });
  }
}
