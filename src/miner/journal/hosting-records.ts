import type { Statements } from './statements.js';

/** Submitted data that must stay fetchable, with the epoch of the last submission that named it. */
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
   * Notes for which data the audit window is over in `epoch`: hosted for a submission of an epoch before `epoch - 1`. An
   * epoch that is taken back takes that back too.
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

  /** Checksums whose audit window was over at `beforeMs` already. */
  toRelease(beforeMs: number): string[] {
    return this.#sql
      .prepare('SELECT checksum FROM hostings WHERE over_ms <= ?')
      .all([beforeMs])
      .map((row) => String(row['checksum']));
  }

  /** Forgets a hosting, unless a submission has taken it up meanwhile; returns whether it is gone. */
  release(checksum: string, beforeMs: number): boolean {
    const deleted = this.#sql
      .prepare('DELETE FROM hostings WHERE checksum = ? AND over_ms <= ?')
      .run([checksum, beforeMs]);
    return deleted > 0;
  }

  /** Checksums that must stay fetchable. */
  checksums(): string[] {
    return this.#sql
      .prepare('SELECT checksum FROM hostings')
      .all()
      .map((row) => String(row['checksum']));
  }
}
