import type { Statements } from './statements.js';

/** Submitted data that must stay fetchable, with the epoch of the last submission that named it. */
export class HostingRecords {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  record(checksum: string, url: string, epoch: bigint): void {
    this.#sql
      .prepare('INSERT INTO hostings VALUES (?, ?, ?) ON CONFLICT (checksum) DO UPDATE SET url = ?2, epoch = ?3')
      .run([checksum, url, String(epoch)]);
  }

  /** Checksums whose audit window is over: hosted for a submission of an epoch before `epoch - 1`. */
  toRelease(epoch: bigint): string[] {
    return this.#sql
      .prepare('SELECT checksum FROM hostings WHERE CAST(epoch AS INTEGER) < ?')
      .all([Number(epoch) - 1])
      .map((row) => String(row['checksum']));
  }

  /** Forgets a hosting, unless a submission of a later epoch has taken it up meanwhile; returns whether it is gone. */
  release(checksum: string, epoch: bigint): boolean {
    return (
      this.#sql
        .prepare('DELETE FROM hostings WHERE checksum = ? AND CAST(epoch AS INTEGER) < ?')
        .run([checksum, Number(epoch) - 1]) > 0
    );
  }

  /** Checksums that must stay fetchable. */
  checksums(): string[] {
    return this.#sql
      .prepare('SELECT checksum FROM hostings')
      .all()
      .map((row) => String(row['checksum']));
  }
}
