import type { SqlRow } from '../../database/database.js';
import type { Statements } from './statements.js';

export type ClaimState = 'waiting' | 'built' | 'claimed' | 'gone';

export interface JournalClaim {
  readonly targetId: string;
  /** First epoch in which the chain accepts the claim. */
  readonly dueEpoch: bigint;
  readonly state: ClaimState;
  /** True if we filled the target, false if it expired. */
  readonly own: boolean;
  readonly digest: string | undefined;
  readonly signed: Uint8Array | undefined;
}

// The conditions match the partial indexes, so that cost depends on open rows and not on the age of the journal.
const IS_DUE = `state IN ('waiting', 'built') AND CAST(due_epoch AS INTEGER) <= ?`;
/** One state's due claims after a given one, oldest first. */
const DUE_PAGE = `
  SELECT rowid AS row, * FROM claims WHERE ${IS_DUE} AND state = ? AND (CAST(due_epoch AS INTEGER), rowid) > (?, ?)
  ORDER BY CAST(due_epoch AS INTEGER), rowid LIMIT 64`;
const BONDS_OUT = `
  SELECT SUM(CAST(s.bond AS INTEGER)) AS bonds FROM claims AS c
  JOIN submissions AS s ON s.target_id = c.target_id AND s.live = 1
  WHERE c.state IN ('waiting', 'built') AND c.own = 1 AND s.state = 'accepted'`;

// Fees add up: a claim may take several transactions.
const FEES = `COALESCE(CAST(CAST(COALESCE(fee, '0') AS INTEGER) + CAST(? AS INTEGER) AS TEXT), fee)`;

/** Claims and their outcomes. */
export class ClaimRecords {
  readonly #sql: Statements;
  readonly #now: () => number;

  /** @param now milliseconds since the Unix epoch */
  constructor(sql: Statements, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** Adds a claim unless there is one for this target. Returns whether it was new. */
  note(targetId: string, dueEpoch: bigint, own: boolean): boolean {
    const added = this.#sql
      .prepare(
        `INSERT INTO claims (target_id, due_epoch, state, own) VALUES (?, ?, 'waiting', ?) ON CONFLICT DO NOTHING`,
      )
      .run([targetId, String(dueEpoch), own ? 1 : 0]);
    return added > 0;
  }

  /**
   * Claims due in `epoch`, each once; those already sent come first, then the oldest. Pages through the table to bound
   * memory.
   */
  *due(epoch: bigint): Generator<JournalClaim, void, void> {
    for (const state of ['built', 'waiting']) {
      for (let after = [-1, 0]; ; ) {
        const page = this.#sql.prepare(DUE_PAGE).all([Number(epoch), state, ...after]);
        yield* page.map(claimFrom);
        const last = page.at(-1);
        if (last === undefined) break;
        after = [Number(last['due_epoch']), Number(last['row'])];
      }
    }
  }

  /** Signed transactions with unknown outcome. */
  signed(): Uint8Array[] {
    return this.#sql
      .prepare(`SELECT * FROM claims WHERE state IN ('waiting', 'built') AND state = 'built'`)
      .all()
      .flatMap((row) => claimFrom(row).signed ?? []);
  }

  hasDue(epoch: bigint): boolean {
    return this.#sql.prepare(`SELECT 1 FROM claims WHERE ${IS_DUE} LIMIT 1`).get([Number(epoch)]) !== undefined;
  }

  /** Number of claims due in `epoch`. */
  countDue(epoch: bigint): number {
    const counted = this.#sql.prepare(`SELECT COUNT(*) AS due FROM claims WHERE ${IS_DUE}`).get([Number(epoch)]);
    return Number(counted?.['due']);
  }

  /** Sum of bonds of accepted submissions that are not claimed yet, shannons. */
  bondsOut(): bigint {
    const row = this.#sql.prepare(BONDS_OUT, { bigints: true }).get();
    return BigInt(String(row?.['bonds'] ?? 0));
  }

  /** The claim of one target. */
  find(targetId: string): JournalClaim | undefined {
    const row = this.#sql.prepare('SELECT * FROM claims WHERE target_id = ?').get([targetId]);
    return row === undefined ? undefined : claimFrom(row);
  }

  /** Adds the fee of a transaction that failed in execution, and forgets its signed bytes. */
  spend(targetId: string, feeShannons: bigint): void {
    this.#sql
      .prepare(`UPDATE claims SET signed = NULL, fee = ${FEES} WHERE target_id = ?`)
      .run([String(feeShannons), targetId]);
  }

  /** Like {@link spend}, and postpones the claim until `dueEpoch`. */
  postpone(targetId: string, dueEpoch: bigint, feeShannons: bigint): void {
    this.#sql
      .prepare(`UPDATE claims SET state = 'waiting', due_epoch = ?, signed = NULL, fee = ${FEES} WHERE target_id = ?`)
      .run([String(dueEpoch), String(feeShannons), targetId]);
  }

  /** Records a signed claim. Call before sending it. */
  record(targetId: string, digest: string, signed: Uint8Array): void {
    this.#sql
      .prepare(`UPDATE claims SET state = 'built', digest = ?, signed = ? WHERE target_id = ?`)
      .run([digest, signed, targetId]);
  }

  /**
   * Records the final state of a claim.
   *
   * @param details.receivedShannons amount received, before fees
   * @param details.feeShannons fee of the last transaction; added to those of earlier ones
   */
  recordOutcome(
    targetId: string,
    state: ClaimState,
    details: { readonly receivedShannons?: bigint | undefined; readonly feeShannons?: bigint | undefined } = {},
  ): void {
    this.#sql
      .prepare(
        `UPDATE claims SET state = ?, received = ?, fee = ${FEES}, settled_ms = ?, signed = NULL WHERE target_id = ?`,
      )
      .run([
        state,
        details.receivedShannons === undefined ? null : String(details.receivedShannons),
        details.feeShannons === undefined ? null : String(details.feeShannons),
        this.#now(),
        targetId,
      ]);
  }
}

function claimFrom(row: SqlRow): JournalClaim {
  return {
    targetId: String(row['target_id']),
    dueEpoch: BigInt(String(row['due_epoch'])),
    state: String(row['state']) as ClaimState,
    own: row['own'] === 1,
    digest: row['digest'] === null ? undefined : String(row['digest']),
    signed: row['signed'] === null ? undefined : new Uint8Array(row['signed'] as Uint8Array),
  };
}
