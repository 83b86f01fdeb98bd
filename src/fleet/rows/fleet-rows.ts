import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import { cosineDistance, selectBest } from '../../engine/reference/index.js';
import { QuarryError } from '../../errors/index.js';
import { blake2b256 } from '../../native/blake2b.js';
import type { FarPolicy, FarRows, FarSample, MatchTarget, StoredScore } from '../../store/index.js';
import { F32_LOSS_BOUND } from '../../store/loss-error-bound.js';
import type { FleetConnection } from '../connection.js';
import { listen } from '../listen.js';
import { HitOffers } from './hit-offers.js';
import { type Beat, beatSubject, bytesSubject, decodeBeat, scanSubject } from './row-subjects.js';
import { decodeReply, encodeRequest, type ScanHit, TARGETS_PER_SCAN } from './scan-wire.js';

export interface FleetRowsOptions {
  /** How long a search waits for scorers, milliseconds; hits received by then count. */
  readonly gatherMs: number;
  /** Has a scorer score and keep a sample; absent if samples stay on this machine. */
  readonly keep?: FarRows['keep'];
  readonly onWarning: (error: QuarryError) => void;
}

export interface FleetRowsDeps {
  readonly fleet: FleetConnection;
  readonly isQuarantined: (scorer: string) => boolean;
  /** Spot-checks a scorer's scores of a sample; false if they are wrong. */
  readonly check: (
    scorer: string,
    sample: Uint8Array,
    models: MatchTarget['models'],
    scores: readonly StoredScore[],
  ) => Promise<boolean>;
}

/** Counts of searches in rows kept by scorers. */
export interface FleetRowsStats {
  /** Live scorers that keep rows. */
  readonly keepers: number;
  /** Rows kept by those scorers. */
  readonly keptRows: number;
  readonly scans: number;
  /** Scans that not every scorer answered in time. */
  readonly partialScans: number;
}

/** Searches do not wait for a scorer whose last heartbeat is older than this. */
const LIFETIME_MS = 5_000;
const FETCH_MS = 5_000;
/** After this many searches in a row that a scorer did not finish in time, its new rows no longer delay anything. */
const MOST_LATE = 5;
/** Share of the maximum message size used for targets; the rest is for excluded samples. */
const FILLED = 0.7;
/** Excluded samples sent per target. */
const MOST_EXCLUDED = 64;

interface Gathering {
  readonly targets: ReadonlyMap<string, MatchTarget>;
  readonly onHit: (hit: ScanHit) => void;
  /** Scorers that have not reported completion. */
  readonly missing: Set<string>;
  readonly marks: Map<string, number>;
  done: () => void;
}

/** Scatter-gather search over the rows kept by scorers: sends targets to all, gathers the best hits of each. */
export class FleetRows implements FarRows {
  readonly keep: FarRows['keep'];
  readonly #options: FleetRowsOptions;
  readonly #deps: FleetRowsDeps;
  readonly #subscription: Subscription;
  readonly #keepers = new Map<string, Beat & { readonly heardAt: number }>();
  /** Consecutive searches that a scorer did not finish in time. */
  readonly #late = new Map<string, number>();
  /** Mark up to which each scorer's rows were compared with all open targets. */
  #seen = new Map<string, number>();
  #scans = 0;
  #partialScans = 0;

  constructor(options: FleetRowsOptions, deps: FleetRowsDeps) {
    this.#options = options;
    this.#deps = deps;
    this.keep = options.keep;
    const { nc, prefix } = deps.fleet;
    this.#subscription = listen(nc, beatSubject(prefix), (message) => {
      const beat = decodeBeat(message.string());
      if (beat !== undefined) this.#keepers.set(beat.scorer, { ...beat, heardAt: performance.now() });
    });
  }

  get rows(): number {
    return this.#alive().reduce((sum, { rows }) => sum + rows, 0);
  }

  get busy(): boolean {
    return this.#alive().some(({ scorer, busy }) => busy && !this.#isLate(scorer));
  }

  get hasFresh(): boolean {
    return this.#alive().some(({ scorer, mark, rows }) => {
      if (this.#isLate(scorer)) return false;
      const seen = this.#seen.get(scorer);
      return seen === undefined ? rows > 0 : mark > seen;
    });
  }

  get stats(): FleetRowsStats {
    const keepers = this.#alive().length;
    return { keepers, keptRows: this.rows, scans: this.#scans, partialScans: this.#partialScans };
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  async find(
    targets: readonly MatchTarget[],
    policy: FarPolicy,
    take: (found: FarSample) => Promise<boolean>,
  ): Promise<void> {
    if (this.#alive().length === 0 || targets.length === 0) return;
    const offers = new HitOffers(policy.pick ?? 'first', (hit, target) => take(this.#sampleOf(hit, target)));
    const marks: ReadonlyMap<string, number>[] = [];
    for (const group of this.#groups(targets)) marks.push(await this.#gather(group, policy, offers));
    await offers.end();
    if (policy.freshOnly && policy.signal?.aborted !== true) this.#note(marks);
  }

  /** Advances each scorer's mark to the lowest of all groups: rows before it were compared with every target. */
  #note(marks: readonly ReadonlyMap<string, number>[]): void {
    const seen = new Map(this.#alive().map(({ scorer }) => [scorer, this.#seen.get(scorer)]));
    for (const scorer of seen.keys()) {
      const all = marks.map((each) => each.get(scorer));
      const known = all.filter((mark) => mark !== undefined);
      if (known.length === all.length) seen.set(scorer, Math.min(...known));
    }
    this.#seen = new Map([...seen].flatMap(([scorer, mark]) => (mark === undefined ? [] : [[scorer, mark]])));
  }

  #alive(): Beat[] {
    const since = performance.now() - LIFETIME_MS;
    for (const [scorer, { heardAt }] of this.#keepers) {
      if (heardAt >= since) continue;
      this.#keepers.delete(scorer);
      this.#late.delete(scorer);
    }
    return [...this.#keepers.values()].filter(({ scorer }) => !this.#deps.isQuarantined(scorer));
  }

  #groups(targets: readonly MatchTarget[]): (readonly MatchTarget[])[] {
    const bytes = 4 * (targets[0]?.embedding.length ?? 1) + 200;
    const largest = this.#deps.fleet.nc.info?.max_payload ?? 1 << 20;
    const each = Math.max(1, Math.min(TARGETS_PER_SCAN, Math.floor((FILLED * largest) / bytes)));
    return Array.from({ length: Math.ceil(targets.length / each) }, (_, i) => targets.slice(i * each, (i + 1) * each));
  }

  /** Queries all scorers and waits until the deadline; returns the marks of those that finished. */
  async #gather(
    targets: readonly MatchTarget[],
    policy: FarPolicy,
    offers: HitOffers,
  ): Promise<ReadonlyMap<string, number>> {
    const { nc, prefix } = this.#deps.fleet;
    const { gatherMs } = this.#options;
    const gathering: Gathering = {
      targets: new Map(targets.map((target) => [target.id, target])),
      onHit: (hit) => offers.add(hit, gathering.targets.get(hit.targetId)),
      missing: new Set(this.#alive().map(({ scorer }) => scorer)),
      marks: new Map(),
      done: () => {},
    };
    const inbox = createInbox();
    const subscription = listen(nc, inbox, (message) => this.#hear(message, gathering));
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, gatherMs);
      gathering.done = () => {
        clearTimeout(limit);
        resolve();
      };
      policy.signal?.addEventListener('abort', gathering.done, { once: true });
      if (policy.signal?.aborted) return gathering.done();
      try {
        nc.publish(scanSubject(prefix), this.#request(targets, policy), { reply: inbox });
      } catch {
        // Disconnected: the search times out without replies.
      }
    });
    policy.signal?.removeEventListener('abort', gathering.done);
    subscription.unsubscribe();
    this.#scans++;
    if (gathering.missing.size > 0) this.#partialScans++;
    if (policy.signal?.aborted !== true) for (const scorer of gathering.missing) this.#noteLate(scorer);
    for (const scorer of gathering.marks.keys()) this.#late.delete(scorer);
    return gathering.marks;
  }

  #isLate(scorer: string): boolean {
    return (this.#late.get(scorer) ?? 0) >= MOST_LATE;
  }

  #noteLate(scorer: string): void {
    const late = (this.#late.get(scorer) ?? 0) + 1;
    this.#late.set(scorer, late);
    if (late !== MOST_LATE) return;
    const { gatherMs, onWarning } = this.#options;
    onWarning(
      new QuarryError('TIMEOUT', `scorer ${scorer} did not end ${late} searches of its rows within ${gatherMs} ms`, {
        hint: 'its new rows are not waited for until it does; a larger --gather-ms gives it more time',
        details: { scorer },
      }),
    );
  }

  #request(targets: readonly MatchTarget[], policy: FarPolicy): Uint8Array {
    const { pick = 'first', margin = 0, lossErrorBound = {}, maxParts, fewest, freshOnly, exclude } = policy;
    const { f32 = F32_LOSS_BOUND, low = Number.POSITIVE_INFINITY } = lossErrorBound;
    return encodeRequest({
      pick,
      margin,
      f32Bound: f32,
      lowBound: Number.isFinite(low) ? low : null,
      maxParts,
      fewest,
      waitMs: this.#options.gatherMs,
      seen: freshOnly ? Object.fromEntries(this.#seen) : null,
      targets: targets.map((target) => ({ ...target, exclude: [...exclude(target.id)].slice(-MOST_EXCLUDED) })),
    });
  }

  #hear(message: Msg, gathering: Gathering): void {
    try {
      const reply = decodeReply(message.data);
      if (this.#deps.isQuarantined(reply.scorer)) return;
      if ('done' in reply) {
        gathering.marks.set(reply.scorer, reply.seen);
        gathering.missing.delete(reply.scorer);
        if (gathering.missing.size === 0) gathering.done();
        return;
      }
      const target = gathering.targets.get(reply.targetId);
      if (target !== undefined && isHit(reply, target)) gathering.onHit(reply);
    } catch {
      // Malformed. A scorer that sends nothing else stays in `missing`.
    }
  }

  #sampleOf(hit: ScanHit, target: MatchTarget): FarSample {
    const { targetId, scorer, checksum, composed, scores } = hit;
    const { fleet, check, isQuarantined } = this.#deps;
    const fetch: FarSample['fetch'] = async () => {
      if (isQuarantined(scorer)) return undefined;
      const subject = bytesSubject(fleet.prefix, scorer);
      const reply = await fleet.nc.request(subject, checksum, { timeout: FETCH_MS }).catch(() => undefined);
      if (reply === undefined || reply.headers?.get('quarry-found') !== 'yes') return undefined;
      const bytes = Uint8Array.from(reply.data);
      if (Buffer.from(blake2b256(bytes)).toString('hex') !== checksum) return undefined;
      if (!(await check(scorer, bytes, target.models, scores))) return undefined;
      return { bytes, origin: `${composed ? 'joined' : 'kept'} by scorer ${scorer}` };
    };
    return { targetId, checksum: Uint8Array.from(Buffer.from(checksum, 'hex')), fetch, scores };
  }
}

/** Whether the scores a scorer claims would hit the target. */
function isHit({ scores }: ScanHit, { models, embedding, threshold }: MatchTarget): boolean {
  if (scores.length !== models.length) return false;
  if (scores.some((score) => score.embedding.length !== embedding.length)) return false;
  const winner = selectBest(scores.map(({ loss }) => loss));
  const best = winner === undefined ? undefined : scores[winner];
  if (best === undefined || !best.embedding.every(Number.isFinite)) return false;
  return cosineDistance(best.embedding, embedding) <= threshold;
}
