import { LatestMap } from '../../collections/latest-map.js';
import type { SqlRow } from '../../database/database.js';
import type { HighWaterMark } from './high-water-mark.js';
import type { Statements } from './statements.js';

/**
 * State of a submission. `built`: signed, about to be sent. `unknown`: sent, no answer received. The others are final.
 */
export type SubmissionState = 'built' | 'unknown' | 'accepted' | 'lost' | 'rejected';

export interface JournalSubmission {
  readonly targetId: string;
  /** BLAKE2b-256 of the submitted bytes, hex. */
  readonly checksum: string;
  readonly modelId: string;
  readonly digest: string;
  /** The signed transaction. */
  readonly signed: Uint8Array;
  readonly state: SubmissionState;
  readonly epoch: bigint;
  readonly bondShannons: bigint;
  readonly rewardShannons: bigint;
}

/** Details of a submission that are kept for display and never used for decisions. */
export interface SubmissionStory {
  /** Origin of the sample. */
  readonly origin: string;
  readonly distance: number;
  readonly threshold: number;
  /** The submitter's share of the reward. */
  readonly shareShannons: bigint;
  /** How long ago the miner first saw the target, milliseconds. */
  readonly seenAgoMs?: number | undefined;
  /** URL of the fullnode that reported it. */
  readonly node?: string | undefined;
}

const INSERT = `
  INSERT INTO submissions (target_id, checksum, model_id, digest, signed, state, epoch, bond, reward, created_ms,
    origin, distance, threshold, share, seen_ms, node)
  VALUES (?, ?, ?, ?, ?, 'built', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
// Drops the signed bytes once they need not be sent again. Never changes a final state.
const SETTLE = `
  UPDATE submissions SET state = ?1, reason = ?2, fee = ?3, latency_ms = ?4, settled_ms = ?6,
    signed = CASE ?1 WHEN 'unknown' THEN signed ELSE x'' END`;
const OF_OPEN = `WHERE digest = ?5 AND state IN ('built', 'unknown')`;
// Naming the column, even to leave it alone, makes SQLite write the index that it is part of.
const STAY_LIVE = `${SETTLE} ${OF_OPEN}`;
const END = `${SETTLE}, live = NULL ${OF_OPEN}`;
const LIVE = 'SELECT state, bond FROM submissions WHERE target_id = ? AND live = 1';
// By the index of open ones: there are few of them, however long the journal.
const UNSETTLED = `
  SELECT * FROM submissions INDEXED BY submissions_open WHERE state IN ('built', 'unknown') ORDER BY id`;

const MOST_REMEMBERED = 4_096;

/** All signed submissions and their outcomes. */
export class SubmissionRecords {
  readonly #sql: Statements;
  readonly #mark: HighWaterMark;
  #isMarked = true;
  /** Targets found without a live submission, since each is asked about several times while it is raced for. */
  readonly #notLive = new LatestMap<string, true>(MOST_REMEMBERED);
  readonly #now: () => number;

  /**
   * @param mark set to the id of the newest committed submission
   * @param now milliseconds since the Unix epoch
   */
  constructor(sql: Statements, mark: HighWaterMark, now: () => number) {
    this.#sql = sql;
    this.#mark = mark;
    this.#now = now;
  }

  /** Id of the newest submission; 0 if there is none. */
  newestId(): number {
    return Number(this.#sql.prepare('SELECT MAX(id) AS id FROM submissions').get()?.['id'] ?? 0);
  }

  /** Whether a submission for this target is in flight, unsettled or accepted. */
  isLive(targetId: string): boolean {
    if (this.#notLive.has(targetId)) return false;
    if (this.#sql.prepare(LIVE).get([targetId]) !== undefined) return true;
    this.#notLive.set(targetId, true);
    return false;
  }

  /**
   * Records a submission in its own transaction.
   *
   * @throws QuarryError `ALREADY_EXISTS` when the target has a live submission
   */
  record(submission: Omit<JournalSubmission, 'state'>, story?: SubmissionStory): void {
    this.insert(submission, story);
    this.mark();
  }

  /** Updates the high-water mark. Call only after a commit: inside a transaction it would get ahead of the journal. */
  mark(): void {
    if (this.#isMarked) return;
    this.#mark.set(this.newestId());
    this.#isMarked = true;
  }

  /** Like {@link record}, within the caller's transaction; the caller calls {@link mark} after committing. */
  insert(submission: Omit<JournalSubmission, 'state'>, story?: SubmissionStory): void {
    const { targetId, checksum, modelId, digest, signed, epoch, bondShannons, rewardShannons } = submission;
    const now = this.#now();
    this.#notLive.delete(targetId);
    this.#sql
      .prepare(INSERT)
      .run([
        targetId,
        checksum,
        modelId,
        digest,
        signed,
        String(epoch),
        String(bondShannons),
        String(rewardShannons),
        now,
        story?.origin ?? null,
        story?.distance ?? null,
        story?.threshold ?? null,
        story === undefined ? null : String(story.shareShannons),
        story?.seenAgoMs === undefined ? null : Math.round(now - story.seenAgoMs),
        story?.node ?? null,
      ]);
    this.#isMarked = false;
  }

  /** Records the outcome of a submission. Accepting one also adds its claim, due two epochs later. */
  recordOutcome(
    digest: string,
    state: SubmissionState,
    details: {
      readonly reason?: string | undefined;
      readonly feeShannons?: bigint | undefined;
      readonly latencyMs?: number | undefined;
    } = {},
  ): void {
    const fee = details.feeShannons === undefined ? null : String(details.feeShannons);
    const settle = state === 'lost' || state === 'rejected' ? END : STAY_LIVE;
    this.#sql.prepare(settle).run([state, details.reason ?? null, fee, details.latencyMs ?? null, digest, this.#now()]);
  }

  /** Submissions with unknown outcome, oldest first. */
  unsettled(): JournalSubmission[] {
    return this.#sql.prepare(UNSETTLED).all().map(submissionFrom);
  }

  /** Bond of our accepted submission for this target, shannons; 0 if there is none. */
  bondOf(targetId: string): bigint {
    const row = this.#sql.prepare(LIVE).get([targetId]);
    return row?.['state'] === 'accepted' ? BigInt(String(row['bond'])) : 0n;
  }
}

function submissionFrom(row: SqlRow): JournalSubmission {
  return {
    targetId: String(row['target_id']),
    checksum: String(row['checksum']),
    modelId: String(row['model_id']),
    digest: String(row['digest']),
    signed: new Uint8Array(row['signed'] as Uint8Array),
    state: String(row['state']) as SubmissionState,
    epoch: BigInt(String(row['epoch'])),
    bondShannons: BigInt(String(row['bond'])),
    rewardShannons: BigInt(String(row['reward'])),
  };
}
