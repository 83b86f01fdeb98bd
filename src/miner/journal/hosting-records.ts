import type { Statements } from './statements.js';

/** Hosted data, with the epoch of the last submission that uses it. */
export class HostingRecords {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  record(checksum: string, url: string, epoch: bigint): void {
    this.#sql
      .prepare(
        `INSERT INTO hostings (checksum, url, epoch) VALUES (?1, ?2, ?3)
         ON CONFLICT (checksum) DO UPDATE SET url = ?2, epoch = ?3, over_ms = NULL`,
      )
      .run([checksum, url, String(epoch)]);
  }

  /**
   * Records when the audit window of data was first seen to be over in `epoch`: data of submissions before `epoch - 1`.
   * Clears the time again for data whose window is open in an earlier `epoch`.
   *
   * @param nowMs milliseconds since the Unix epoch
   */
  noteOver(epoch: bigint, nowMs: number): void {
    const oldest = Number(epoch) - 1;
    this.#sql
      .prepare('UPDATE hostings SET over_ms = NULL WHERE over_ms IS NOT NULL AND CAST(epoch AS INTEGER) >= ?')
      .run([oldest]);
    this.#sql
      .prepare('UPDATE hostings SET over_ms = ? WHERE over_ms IS NULL AND CAST(epoch AS INTEGER) < ?')
      .run([nowMs, oldest]);
  }

  /** Checksums whose audit window was already over at `beforeMs`. */
  toRelease(beforeMs: number): string[] {
    return this.#sql
      .prepare('SELECT checksum FROM hostings WHERE over_ms <= ?')
      .all([beforeMs])
      .map((row) => String(row['checksum']));
  }

  /** Deletes a record unless a submission has used the data since; returns whether it was deleted. */
  release(checksum: string, beforeMs: number): boolean {
    const deleted = this.#sql
      .prepare('DELETE FROM hostings WHERE checksum = ? AND over_ms <= ?')
      .run([checksum, beforeMs]);
    return deleted > 0;
  }

  /** Checksums of all hosted data. */
  checksums(): string[] {
    return this.#sql
      .prepare('SELECT checksum FROM hostings')
      .all()
      .map((row) => String(row['checksum']));
  }
}
