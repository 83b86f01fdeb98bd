import { openDatabase, type SqlRow } from '../../database/database.js';
import type { ClaimState } from './claim-records.js';
import { JOURNAL_MIGRATIONS } from './journal-schema.js';
import { type JournalTotals, totalsReader } from './journal-totals.js';
import type { SubmissionState } from './submission-records.js';

/** A submission in the journal. Amounts in shannons, times in milliseconds since the Unix epoch. */
export interface PastSubmission {
  readonly targetId: string;
  readonly outcome: SubmissionState;
  readonly reason: string | undefined;
  /** The submitter's share of the reward if it was accepted, else 0. */
  readonly rewardShannons: bigint;
  /** The target's whole reward. */
  readonly poolShannons: bigint;
  readonly bondShannons: bigint;
  readonly feeShannons: bigint | undefined;
  /** From the moment the hit became possible to the answer. */
  readonly latencyMs: number | undefined;
  /** When the miner first saw the target, and on which fullnode; undefined for submissions of earlier versions. */
  readonly seenAtMs: number | undefined;
  readonly node: string | undefined;
  /** When it was signed. */
  readonly atMs: number;
  /** When its outcome became known. */
  readonly settledAtMs: number | undefined;
  readonly epoch: bigint;
  readonly modelId: string;
  /** BLAKE2b-256 of the submitted bytes, hex. */
  readonly checksum: string;
  readonly digest: string;
  /** Origin of the sample. Undefined for submissions of earlier versions, like distance and threshold. */
  readonly origin: string | undefined;
  readonly distance: number | undefined;
  readonly threshold: number | undefined;
  readonly claim: PastClaim | undefined;
}

/** The claim of an accepted submission. */
export interface PastClaim {
  readonly state: ClaimState;
  readonly dueEpoch: bigint;
  readonly receivedShannons: bigint | undefined;
  readonly feeShannons: bigint | undefined;
  readonly settledAtMs: number | undefined;
}

/** Read-only access to a journal, also while a miner writes it. */
export interface JournalHistory {
  /** Submissions signed at or after `sinceMs`, oldest first, read page by page. */
  submissions(sinceMs?: number): Generator<PastSubmission, void, void>;
  /** At most `limit` submissions signed at or after `sinceMs`, newest first, read page by page. */
  latest(limit: number, sinceMs?: number): Generator<PastSubmission, void, void>;
  /** Whether there is a submission for this target. */
  has(targetId: string): boolean;
  /** Totals over the whole journal. */
  totals(): JournalTotals;
  /** Submissions whose target id, checksum or digest starts with `prefix`, oldest first; at most 100. */
  find(prefix: string): PastSubmission[];
  /** Closes the journal. */
  close(): void;
}

const PAGE = 1_000;
const COLUMNS = `s.*, c.state AS claim_state, c.due_epoch AS claim_due, c.received AS claim_received, c.fee AS claim_fee`;
const FROM = 'FROM submissions AS s LEFT JOIN claims AS c ON c.target_id = s.target_id AND c.own = 1';

/**
 * Opens a journal of this or any earlier version for reading.
 *
 * @throws QuarryError `UNSUPPORTED` when a newer version wrote it
 * @throws QuarryError `FILE_NOT_FOUND` when there is no journal at `path`
 */
export function openJournalHistory(path: string): JournalHistory {
  // Runs no migrations, so a journal of an earlier version may lack columns.
  const db = openDatabase(path, { readonly: true, migrations: JOURNAL_MIGRATIONS, readsOlder: true });
  const isTimed = db
    .prepare('PRAGMA table_info(claims)')
    .all()
    .some((row) => row['name'] === 'settled_ms');
  const select = `SELECT ${COLUMNS}${isTimed ? ', c.settled_ms AS claim_settled' : ''} ${FROM}`;
  const page = db.prepare(`${select} WHERE s.id > ? AND s.created_ms >= ? ORDER BY s.id LIMIT ${PAGE}`);
  const latest = db.prepare(`${select} WHERE s.id < ? AND s.created_ms >= ? ORDER BY s.id DESC LIMIT ?`);
  const ofTarget = db.prepare('SELECT 1 FROM submissions WHERE target_id = ? LIMIT 1');
  const matching = db.prepare(
    `${select} WHERE substr(s.target_id, 1, ?1) = ?2 OR substr(s.checksum, 1, ?1) = ?2 OR substr(s.digest, 1, ?1) = ?2
     ORDER BY s.id LIMIT 100`,
  );
  return {
    *submissions(sinceMs = 0) {
      for (let after = 0; ; ) {
        const rows = page.all([after, sinceMs]);
        yield* rows.map(submissionFrom);
        const last = rows.at(-1);
        if (last === undefined) return;
        after = Number(last['id']);
      }
    },
    *latest(limit, sinceMs = 0) {
      let before = Number.MAX_SAFE_INTEGER;
      for (let left = limit; left > 0; left -= PAGE) {
        const rows = latest.all([before, sinceMs, Math.min(left, PAGE)]);
        yield* rows.map(submissionFrom);
        if (rows.length < PAGE) return;
        before = Number(rows.at(-1)?.['id']);
      }
    },
    has: (targetId) => ofTarget.get([targetId]) !== undefined,
    totals: totalsReader(db),
    find: (prefix) => matching.all([prefix.length, prefix]).map(submissionFrom),
    close: () => db.close(),
  };
}

function submissionFrom(row: SqlRow): PastSubmission {
  const claim = claimFrom(row);
  const outcome = String(row['state']) as SubmissionState;
  const bondShannons = BigInt(String(row['bond']));
  const poolShannons = BigInt(String(row['reward']));
  const share = amount(row['share']) ?? poolShannons;
  const received = claim?.receivedShannons;
  const earned = received !== undefined && received > bondShannons ? received - bondShannons : share;
  return {
    targetId: String(row['target_id']),
    outcome,
    reason: text(row['reason']),
    rewardShannons: outcome === 'accepted' ? earned : 0n,
    poolShannons,
    bondShannons,
    feeShannons: amount(row['fee']),
    latencyMs: number(row['latency_ms']),
    seenAtMs: number(row['seen_ms']),
    node: text(row['node']),
    atMs: Number(row['created_ms']),
    settledAtMs: number(row['settled_ms']),
    epoch: BigInt(String(row['epoch'])),
    modelId: String(row['model_id']),
    checksum: String(row['checksum']),
    digest: String(row['digest']),
    origin: text(row['origin']),
    distance: number(row['distance']),
    threshold: number(row['threshold']),
    claim,
  };
}

function claimFrom(row: SqlRow): PastClaim | undefined {
  if (row['state'] !== 'accepted' || text(row['claim_state']) === undefined) return undefined;
  return {
    state: String(row['claim_state']) as ClaimState,
    dueEpoch: BigInt(String(row['claim_due'])),
    receivedShannons: amount(row['claim_received']),
    feeShannons: amount(row['claim_fee']),
    settledAtMs: number(row['claim_settled']),
  };
}

function text(value: SqlRow[string] | undefined): string | undefined {
  return value === undefined || value === null ? undefined : String(value);
}

function number(value: SqlRow[string] | undefined): number | undefined {
  return value === undefined || value === null ? undefined : Number(value);
}

function amount(value: SqlRow[string] | undefined): bigint | undefined {
  return value === undefined || value === null ? undefined : BigInt(String(value));
}
