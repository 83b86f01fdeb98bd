import { openDatabase, type SqlDatabase, type SqlRow, type SqlStatement } from '../../database/database.js';
import { JOURNAL_MIGRATIONS } from './journal-schema.js';

/**
 * Where a submission stands. `built`: signed and about to be sent. `unknown`: sent, the answer never came. The others
 * are final.
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

/** What is known of a submission beside what it promises: for its story, never for a decision. */
export interface SubmissionStory {
  /** Where the sample came from. */
  readonly origin: string;
  readonly distance: number;
  readonly threshold: number;
  /** The submitter's part of the reward. */
  readonly shareShannons: bigint;
}

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

/** Weights as the store names them. */
export interface WeightsName {
  readonly architecture: string;
  /** 64 hex digits. */
  readonly checksum: string;
}

const INSERT = `
  INSERT INTO submissions (target_id, checksum, model_id, digest, signed, state, epoch, bond, reward, created_ms,
    origin, distance, threshold, share)
  VALUES (?, ?, ?, ?, ?, 'built', ?, ?, ?, ?, ?, ?, ?, ?)`;
// Signed bytes are kept only as long as they may have to be sent again.
const SETTLE = `
  UPDATE submissions SET state = ?1, reason = ?2, fee = ?3, latency_ms = ?4, settled_ms = ?6,
    signed = CASE ?1 WHEN 'unknown' THEN signed ELSE x'' END
  WHERE digest = ?5`;
// The condition is that of the index, word for word: otherwise it is not used.
const LIVE = `
  SELECT state, bond FROM submissions WHERE target_id = ? AND state IN ('built', 'unknown', 'accepted')`;
const CLAIMS_DUE = `
  SELECT * FROM claims WHERE state IN ('waiting', 'built') AND target_id > ? AND CAST(due_epoch AS INTEGER) <= ?`;

/**
 * What the miner has promised and what became of it: written before every step that cannot be taken back. Survives
 * `kill -9` at any instant; losing power may lose the newest records, which the network is then asked about.
 */
export class Journal {
  readonly #db: SqlDatabase;
  readonly #statements = new Map<string, SqlStatement>();
  readonly #now: () => number;

  /** @param now milliseconds since the Unix epoch */
  constructor(path: string, now: () => number) {
    this.#now = now;
    this.#db = openDatabase(path, { migrations: JOURNAL_MIGRATIONS, durability: 'process' });
  }

  /** Whether a submission for this target is in flight, unsettled or accepted. */
  hasLiveSubmission(targetId: string): boolean {
    return this.#sql(LIVE).get([targetId]) !== undefined;
  }

  /** @throws QuarryError `ALREADY_EXISTS` when the target has a live submission */
  recordSubmission(submission: Omit<JournalSubmission, 'state'>, story?: SubmissionStory): void {
    const { targetId, checksum, modelId, digest, signed, epoch, bondShannons, rewardShannons } = submission;
    this.#sql(INSERT).run([
      targetId,
      checksum,
      modelId,
      digest,
      signed,
      String(epoch),
      String(bondShannons),
      String(rewardShannons),
      this.#now(),
      story?.origin ?? null,
      story?.distance ?? null,
      story?.threshold ?? null,
      story === undefined ? null : String(story.shareShannons),
    ]);
  }

  /** Records what became of a submission; an accepted one gets its claim, due two epochs later, in the same step. */
  settleSubmission(
    digest: string,
    state: SubmissionState,
    details: { readonly reason?: string; readonly feeShannons?: bigint; readonly latencyMs?: number } = {},
  ): void {
    const fee = details.feeShannons === undefined ? null : String(details.feeShannons);
    this.#sql(SETTLE).run([state, details.reason ?? null, fee, details.latencyMs ?? null, digest, this.#now()]);
  }

  /** Submissions whose outcome is not known, oldest first. */
  unsettledSubmissions(): JournalSubmission[] {
    return this.#sql(`SELECT * FROM submissions WHERE state IN ('built', 'unknown') ORDER BY id`)
      .all()
      .map(submissionFrom);
  }

  /** The bond of the accepted submission for this target, in shannons; 0 when it was not ours. */
  bondOf(targetId: string): bigint {
    const row = this.#sql(LIVE).get([targetId]);
    return row?.['state'] === 'accepted' ? BigInt(String(row['bond'])) : 0n;
  }

  recordHosting(checksum: string, url: string, epoch: bigint): void {
    this.#sql('INSERT INTO hostings VALUES (?, ?, ?) ON CONFLICT (checksum) DO UPDATE SET url = ?2, epoch = ?3').run([
      checksum,
      url,
      String(epoch),
    ]);
  }

  /** Checksums whose audit window is over: hosted for a submission of an epoch before `epoch - 1`. */
  hostingsToRelease(epoch: bigint): string[] {
    return this.#sql('SELECT checksum FROM hostings WHERE CAST(epoch AS INTEGER) < ?')
      .all([Number(epoch) - 1])
      .map((row) => String(row['checksum']));
  }

  /** Forgets a hosting, unless a submission of a later epoch has taken it up meanwhile; returns whether it is gone. */
  releaseHosting(checksum: string, epoch: bigint): boolean {
    return (
      this.#sql('DELETE FROM hostings WHERE checksum = ? AND CAST(epoch AS INTEGER) < ?').run([
        checksum,
        Number(epoch) - 1,
      ]) > 0
    );
  }

  /** Checksums that must stay fetchable. */
  hostedChecksums(): string[] {
    return this.#sql('SELECT checksum FROM hostings')
      .all()
      .map((row) => String(row['checksum']));
  }

  /** Notes a target to claim; one that is noted already stays as it is. */
  noteClaim(targetId: string, dueEpoch: bigint, own: boolean): void {
    this.#insertClaim(targetId, dueEpoch, own);
  }

  /** Claims that may be made in `epoch`, a few at a time in memory however many there are; each at most once. */
  *claimsDue(epoch: bigint): Generator<JournalClaim, void, void> {
    for (let after = ''; ; ) {
      const page = this.#sql(`${CLAIMS_DUE} ORDER BY target_id LIMIT 64`)
        .all([after, Number(epoch)])
        .map(claimFrom);
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.targetId;
    }
  }

  hasClaimsDue(epoch: bigint): boolean {
    return this.#sql(`${CLAIMS_DUE} LIMIT 1`).get(['', Number(epoch)]) !== undefined;
  }

  /**
   * Notes which weights are active in `epoch`, and among `known` those it has never heard of, as seen in it too. Forgets
   * and returns weights that were last seen active before `epoch - keepEpochs`.
   */
  noteWeights(
    active: readonly WeightsName[],
    known: readonly WeightsName[],
    epoch: bigint,
    keepEpochs: number,
  ): WeightsName[] {
    const note = (verb: 'REPLACE' | 'IGNORE', names: readonly WeightsName[]): void => {
      const insert = this.#sql(`INSERT OR ${verb} INTO weights VALUES (?, ?, ?)`);
      for (const { architecture, checksum } of names) insert.run([architecture, checksum, Number(epoch)]);
    };
    return this.#db.transaction(() => {
      note('IGNORE', known);
      note('REPLACE', active);
      const last = Number(epoch) - keepEpochs;
      const stale = this.#sql('SELECT architecture, checksum FROM weights WHERE active_epoch < ?').all([last]);
      this.#sql('DELETE FROM weights WHERE active_epoch < ?').run([last]);
      return stale.map((row) => ({
        architecture: String(row['architecture']),
        checksum: String(row['checksum']),
      }));
    });
  }

  recordClaim(targetId: string, digest: string, signed: Uint8Array): void {
    this.#sql(`UPDATE claims SET state = 'built', digest = ?, signed = ? WHERE target_id = ?`).run([
      digest,
      signed,
      targetId,
    ]);
  }

  /** @param received what the claim's coins brought this address, fees not deducted */
  settleClaim(
    targetId: string,
    state: ClaimState,
    details: { readonly receivedShannons?: bigint; readonly feeShannons?: bigint } = {},
  ): void {
    this.#sql('UPDATE claims SET state = ?, received = ?, fee = ?, settled_ms = ? WHERE target_id = ?').run([
      state,
      details.receivedShannons === undefined ? null : String(details.receivedShannons),
      details.feeShannons === undefined ? null : String(details.feeShannons),
      this.#now(),
      targetId,
    ]);
  }

  /** How many documents of a source were taken in completely. */
  position(source: string): number {
    return Number(this.#sql('SELECT position FROM positions WHERE source = ?').get([source])?.['position'] ?? 0);
  }

  savePosition(source: string, position: number): void {
    this.#sql('INSERT INTO positions VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET position = ?2').run([
      source,
      position,
    ]);
  }

  /** In the same time whatever the journal's size. */
  totals(): JournalTotals {
    const rows = this.#sql('SELECT name, value FROM totals', { bigints: true }).all();
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

  /** A statement is compiled once. */
  #sql(text: string, options: { readonly bigints?: boolean } = {}): SqlStatement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text, options);
    this.#statements.set(text, statement);
    return statement;
  }

  #insertClaim(targetId: string, dueEpoch: bigint, own: boolean): void {
    this.#sql(
      `INSERT INTO claims (target_id, due_epoch, state, own) VALUES (?, ?, 'waiting', ?) ON CONFLICT DO NOTHING`,
    ).run([targetId, String(dueEpoch), own ? 1 : 0]);
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
