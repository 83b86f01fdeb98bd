import { openDatabase, type SqlDatabase } from '../../database/database.js';
import { GroupCommit } from '../../database/group-commit.js';
import { ClaimRecords } from './claim-records.js';
import { HighWaterMark } from './high-water-mark.js';
import { HostingRecords } from './hosting-records.js';
import { JOURNAL_MIGRATIONS } from './journal-schema.js';
import { type JournalTotals, totalsFrom } from './journal-totals.js';
import { SourcePositions } from './source-positions.js';
import { Statements } from './statements.js';
import { SubmissionRecords } from './submission-records.js';
import { WeightsHistory } from './weights-history.js';

/**
 * Durable record of submissions, claims and hosted data, written before every irreversible step. Survives `kill -9` at
 * any point. A power loss may lose the newest records; those are then recovered from the network.
 */
export class Journal {
  readonly submissions: SubmissionRecords;
  readonly claims: ClaimRecords;
  readonly hostings: HostingRecords;
  readonly positions: SourcePositions;
  readonly weights: WeightsHistory;
  /** Number of submissions that were committed earlier but are missing from the file. */
  readonly lostSubmissions: number;
  readonly #db: SqlDatabase;
  readonly #group: GroupCommit;
  readonly #sql: Statements;
  readonly #mark: HighWaterMark;
  #marking: NodeJS.Immediate | undefined;

  /** @param now milliseconds since the Unix epoch */
  constructor(path: string, now: () => number) {
    this.#db = openDatabase(path, { migrations: JOURNAL_MIGRATIONS, durability: 'process' });
    this.#sql = new Statements(this.#db);
    this.#group = new GroupCommit(this.#db, () => this.#markSoon());
    this.#mark = new HighWaterMark(markPathOf(path));
    this.submissions = new SubmissionRecords(this.#sql, this.#mark, now);
    const newest = this.submissions.newestId();
    this.lostSubmissions = Math.max(0, this.#mark.value - newest);
    this.#mark.set(newest);
    this.claims = new ClaimRecords(this.#sql, now);
    this.hostings = new HostingRecords(this.#sql);
    this.positions = new SourcePositions(this.#sql);
    this.weights = new WeightsHistory(this.#sql);
  }

  /** Takes constant time, whatever the journal's size. */
  totals(): JournalTotals {
    return totalsFrom(this.#sql.prepare('SELECT name, value FROM totals', { bigints: true }).all());
  }

  /** Id of the journal's chain; undefined until it is set. */
  get chainId(): string | undefined {
    const row = this.#sql.prepare('SELECT id FROM chain').get();
    return row === undefined ? undefined : String(row['id']);
  }

  set chainId(id: string) {
    this.#sql.prepare('INSERT OR REPLACE INTO chain VALUES (1, ?)').run([id]);
  }

  /**
   * Group commit: runs `write` in one transaction with all other writes of this event-loop turn. A burst of submissions
   * then costs a single commit.
   *
   * @returns a promise that resolves once the transaction is committed
   */
  together(write: () => void): Promise<void> {
    return this.#group.run(write);
  }

  /**
   * Like {@link together}, for what nobody waits for, such as outcomes: it yields to submissions that are being
   * journalled, for some milliseconds. After a crash before that, it is recovered from the network.
   */
  afterwards(write: () => void): Promise<void> {
    return this.#group.runPatiently(write);
  }

  /** Commits pending writes and closes the file. */
  close(): void {
    this.#group.flush();
    this.#markNow();
    this.#db.close();
    this.#mark.close();
  }

  /** Sets the high-water mark once what waited for a commit is under way: a race must not wait for it. */
  #markSoon(): void {
    this.#marking ??= setImmediate(() => this.#markNow());
  }

  #markNow(): void {
    clearImmediate(this.#marking);
    this.#marking = undefined;
    try {
      this.submissions.mark();
    } catch {
      // The journal is committed regardless; the next commit sets it.
    }
  }
}

/** Path of the journal's {@link HighWaterMark}. */
function markPathOf(path: string): string {
  return `${path}.mark`;
}
