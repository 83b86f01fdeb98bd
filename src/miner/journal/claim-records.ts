import type { SqlRow } from '../../database/database.js';
import type { Statements } from './statements.js';

export type ClaimState = 'waiting' | 'built' | 'claimed' | 'gone';

export interface JournalClaim {
  readonly targetId: string;
  /** First epoch in which the claim is accepted. */
  readonly dueEpoch: bigint;
  readonly state: ClaimState;
  /** Whether we filled the target; otherwise it expired. */
  readonly own: boolean;
  readonly digest: string | undefined;
  readonly signed: Uint8Array | undefined;
}

const DUE = `
  SELECT * FROM claims WHERE state IN ('waiting', 'built') AND target_id > ? AND CAST(due_epoch AS INTEGER) <= ?`;

// The conditions are those of the partial indices: few rows are open however old the journal is.
const BONDS_OUT = `
  SELECT SUM(CAST(s.bond AS INTEGER)) AS bonds FROM claims AS c
  JOIN submissions AS s ON s.target_id = c.target_id AND s.state IN ('built', 'unknown', 'accepted')
  WHERE c.state IN ('waiting', 'built') AND c.own = 1 AND s.state = 'accepted'`;

// A claim may take several transactions, and each is paid for.
const FEES = `COALESCE(CAST(CAST(COALESCE(fee, '0') AS INTEGER) + CAST(? AS INTEGER) AS TEXT), fee)`;

/** Targets to claim, and what the claims brought. */
export class ClaimRecords {
  readonly #sql: Statements;
  readonly #now: () => number;

  /** @param now milliseconds since the Unix epoch */
  constructor(sql: Statements, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** Notes a target to claim; one that is noted already stays as it is. Returns whether it was new. */
  note(targetId: string, dueEpoch: bigint, own: boolean): boolean {
    const added = this.#sql
      .prepare(
        `INSERT INTO claims (target_id, due_epoch, state, own) VALUES (?, ?, 'waiting', ?) ON CONFLICT DO NOTHING`,
      )
      .run([targetId, String(dueEpoch), own ? 1 : 0]);
    return added > 0;
  }

  /**
   * Claims that may be made in `epoch`, those that were sent before the others; a few at a time in memory however many
   * there are, and each at most once.
   */
  *due(epoch: bigint): Generator<JournalClaim, void, void> {
    for (const state of ['built', 'waiting']) {
      for (let after = ''; ; ) {
        const page = this.#sql
          .prepare(`${DUE} AND state = ? ORDER BY target_id LIMIT 64`)
          .all([after, Number(epoch), state])
          .map(claimFrom);
        yield* page;
        const last = page.at(-1);
        if (last === undefined) break;
        after = last.targetId;
      }
    }
  }

  /** The signed transactions whose outcome is not known. */
  signed(): Uint8Array[] {
    return this.#sql
      .prepare(`SELECT * FROM claims WHERE state IN ('waiting', 'built') AND state = 'built'`)
      .all()
      .flatMap((row) => claimFrom(row).signed ?? []);
  }

  hasDue(epoch: bigint): boolean {
    return this.#sql.prepare(`${DUE} LIMIT 1`).get(['', Number(epoch)]) !== undefined;
  }

  /** How many claims may be made in `epoch`. */
  countDue(epoch: bigint): number {
    const counted = DUE.replace('SELECT *', 'SELECT COUNT(*) AS due');
    return Number(this.#sql.prepare(counted).get(['', Number(epoch)])?.['due']);
  }

  /** Bonds of accepted submissions that no claim has returned yet, shannons. */
  bondsOut(): bigint {
    const row = this.#sql.prepare(BONDS_OUT, { bigints: true }).get();
    return BigInt(String(row?.['bonds'] ?? 0));
  }

  /** What is known of one target's claim. */
  find(targetId: string): JournalClaim | undefined {
    const row = this.#sql.prepare('SELECT * FROM claims WHERE target_id = ?').get([targetId]);
    return row === undefined ? undefined : claimFrom(row);
  }

  /** Counts what a transaction cost that was executed in vain, and forgets it. */
  spend(targetId: string, feeShannons: bigint): void {
    this.#sql
      .prepare(`UPDATE claims SET signed = NULL, fee = ${FEES} WHERE target_id = ?`)
      .run([String(feeShannons), targetId]);
  }

  /** Puts a claim off until `dueEpoch`, its transaction executed in vain: {@link spend}. */
  postpone(targetId: string, dueEpoch: bigint, feeShannons: bigint): void {
    this.#sql
      .prepare(`UPDATE claims SET state = 'waiting', due_epoch = ?, signed = NULL, fee = ${FEES} WHERE target_id = ?`)
      .run([String(dueEpoch), String(feeShannons), targetId]);
  }

  /** Writes a signed claim down, before it is sent. */
  record(targetId: string, digest: string, signed: Uint8Array): void {
    this.#sql
      .prepare(`UPDATE claims SET state = 'built', digest = ?, signed = ? WHERE target_id = ?`)
      .run([digest, signed, targetId]);
  }

  /**
   * @param details.receivedShannons what the claim's coins brought this address, fees not deducted
   * @param details.feeShannons of the last transaction; those of earlier ones are kept
   */
  settle(
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
