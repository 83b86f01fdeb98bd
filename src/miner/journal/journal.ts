import { openDatabase, type SqlDatabase } from '../../database/database.js';
import { ClaimRecords } from './claim-records.js';
import { HostingRecords } from './hosting-records.js';
import { JOURNAL_MIGRATIONS } from './journal-schema.js';
import { SourcePositions } from './source-positions.js';
import { Statements } from './statements.js';
import { SubmissionRecords } from './submission-records.js';
import { WeightsHistory } from './weights-history.js';

/** Totals over the life of the journal; amounts in shannons. */
export interface JournalTotals {
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly pending: number;
  readonly claimed: number;
  readonly unclaimed: number;
  readonly receivedShannons: bigint;
  readonly feesShannons: bigint;
}

/**
 * What the miner has promised and what became of it: written before every step that cannot be taken back. Survives
 * `kill -9` at any instant; losing power may lose the newest records, which the network is then asked about.
 */
export class Journal {
  readonly submissions: SubmissionRecords;
  readonly claims: ClaimRecords;
  readonly hostings: HostingRecords;
  readonly positions: SourcePositions;
  readonly weights: WeightsHistory;
  readonly #db: SqlDatabase;
  readonly #sql: Statements;

  /** @param now milliseconds since the Unix epoch */
  constructor(path: string, now: () => number) {
    this.#db = openDatabase(path, { migrations: JOURNAL_MIGRATIONS, durability: 'process' });
    this.#sql = new Statements(this.#db);
    this.submissions = new SubmissionRecords(this.#sql, now);
    this.claims = new ClaimRecords(this.#sql, now);
    this.hostings = new HostingRecords(this.#sql);
    this.positions = new SourcePositions(this.#sql);
    this.weights = new WeightsHistory(this.#sql);
  }

  /** In the same time whatever the journal's size. */
  totals(): JournalTotals {
    const rows = this.#sql.prepare('SELECT name, value FROM totals', { bigints: true }).all();
    const values = new Map(rows.map((row) => [String(row['name']), BigInt(String(row['value']))]));
    const of = (name: string): bigint => values.get(name) ?? 0n;
    return {
      accepted: Number(of('submissions.accepted')),
      lost: Number(of('submissions.lost')),
      rejected: Number(of('submissions.rejected')),
      pending: Number(of('submissions.built') + of('submissions.unknown')),
      claimed: Number(of('claims.claimed')),
      unclaimed: Number(of('claims.waiting') + of('claims.built')),
      receivedShannons: of('received'),
      feesShannons: of('fees'),
    };
  }

  close(): void {
    this.#db.close();
  }
}
