import { backoffDelayMs } from '../../../net/index.js';
import type { Address, ObjectId } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { getServiceInfo } from '../read/get-service-info.js';
import type { OwnedCoin } from '../read/list-coins.js';
import { CoinReader } from './coin-reader.js';

/** Why a coin may be unusable. */
export type QuarantineReason = 'stale' | 'locked' | 'unknown outcome';

/**
 * How long a coin stays quarantined before it is tried again without any visible change. A lock can be released without
 * a trace, and trying is free, so locked coins are tried after 1, 2, 4 and then every 8 s.
 */
const QUARANTINE_LIMIT_MS: Readonly<Record<QuarantineReason, number>> = {
  stale: 15_000,
  locked: 1_000,
  'unknown outcome': 60_000,
};
const LOCKED_LIMIT_MS = 8_000;
/**
 * After being found locked this many times in a row, a coin is assumed to be equivocated (used by two transactions at
 * once) and locked until the end of the epoch.
 */
const EQUIVOCATED_AFTER = 4;
/** Interval for reading an equivocated coin and the epoch. */
const EQUIVOCATED_RECHECK_MS = 5_000;
const RECHECK = { baseMs: 400, maxMs: 4_000 } as const;
/** Reads start at multiples of this interval, milliseconds, so that many coins share one call. */
const READ_TICK_MS = 200;

/** Reads quarantined coins until they are usable again. */
export class CoinQuarantine {
  readonly #client: ClientContext;
  readonly #reader: CoinReader;
  readonly #signal: AbortSignal;
  /** How many times in a row a coin was found locked. */
  readonly #locked = new Map<ObjectId, number>();

  /** @param signal stops all reads */
  constructor(client: ClientContext, owner: Address, signal: AbortSignal) {
    this.#client = client;
    this.#reader = new CoinReader(client, owner, signal);
    this.#signal = signal;
  }

  /** Whether a coin quarantined now is locked until the end of the epoch. */
  isEquivocated(objectId: ObjectId, why: QuarantineReason): boolean {
    return why === 'locked' && (this.#locked.get(objectId) ?? 0) >= EQUIVOCATED_AFTER;
  }

  /** Resets the count of a coin found locked. */
  unlocked(objectId: ObjectId): void {
    this.#locked.delete(objectId);
  }

  /**
   * Reads a coin repeatedly until it is usable or gone.
   *
   * @param coin last known version; without a digest, the next version is expected but not yet seen
   * @param isCurrent called after every wait: whether the coin is still quarantined for this reason
   * @returns `undefined` when it no longer is, or the signal fired
   */
  async untilUsable(
    coin: OwnedCoin,
    why: QuarantineReason,
    isCurrent: () => boolean,
  ): Promise<OwnedCoin | 'gone' | undefined> {
    const { objectId, version } = coin;
    const isEquivocated = this.isEquivocated(objectId, why);
    const isPlaceholder = coin.digest === '';
    let deadline = isEquivocated ? Number.POSITIVE_INFINITY : this.#client.now() + this.#limitMs(objectId, why);
    try {
      const lockedIn = isEquivocated ? await this.#epoch() : undefined;
      for (let attempt = 0; ; attempt++) {
        // Read a stale coin at once. A newly created one becomes visible only after a moment, and the others wait for
        // another transaction.
        if (attempt > 0 || why !== 'stale' || isPlaceholder) {
          const pause = isEquivocated ? EQUIVOCATED_RECHECK_MS : backoffDelayMs(attempt, RECHECK, this.#client.random);
          const left = deadline - this.#client.now();
          await this.#client.sleep(this.#untilTick(left > 0 ? Math.min(left, pause) : pause), this.#signal);
        }
        if (!isCurrent()) return undefined;
        if (isEquivocated && (await this.#epoch()) !== lockedIn) {
          this.#locked.delete(objectId);
          deadline = this.#client.now();
        }
        const now = await this.#reader.read(objectId);
        if (!isCurrent()) return undefined;
        const over = this.#client.now() >= deadline;
        if (isPlaceholder ? over && typeof now === 'string' : now === 'gone') return 'gone';
        // A lagging node shows an older version: never go back to it.
        if (typeof now === 'string') continue;
        if (now.version > version || (over && now.version === version && !isPlaceholder)) return now;
      }
    } catch {
      // The pool was closed.
      return undefined;
    }
  }

  /** Extends a delay to the next tick. */
  #untilTick(pauseMs: number): number {
    return pauseMs + READ_TICK_MS - ((this.#client.now() + pauseMs) % READ_TICK_MS);
  }

  /** The current epoch, for comparison only; `undefined` if the node does not return it. */
  async #epoch(): Promise<bigint | undefined> {
    try {
      return (await getServiceInfo(this.#client, { signal: this.#signal, timeoutMs: 10_000 })).epoch;
    } catch (error) {
      if (this.#signal.aborted) throw error;
      return undefined;
    }
  }

  #limitMs(objectId: ObjectId, why: QuarantineReason): number {
    if (why !== 'locked') return QUARANTINE_LIMIT_MS[why];
    const times = this.#locked.get(objectId) ?? 0;
    this.#locked.set(objectId, times + 1);
    return Math.min(QUARANTINE_LIMIT_MS.locked * 2 ** times, LOCKED_LIMIT_MS);
  }
}
