import { backoffDelayMs } from '../../../http/index.js';
import type { Address, ObjectId } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { getServiceInfo } from '../read/get-service-info.js';
import type { OwnedCoin } from '../read/list-coins.js';
import { CoinReader } from './coin-reader.js';

/** Why it is not known whether a coin can be used. */
export type QuarantineReason = 'stale' | 'locked' | 'unknown outcome';

/**
 * How long a coin stays aside before it is tried again, although nothing about it has changed. A lock may be given up
 * without a trace, and trying costs nothing, so locked coins are tried after 1, 2, 4 and then every 8 s.
 */
const QUARANTINE_LIMIT_MS: Readonly<Record<QuarantineReason, number>> = {
  stale: 15_000,
  locked: 1_000,
  'unknown outcome': 60_000,
};
const LOCKED_LIMIT_MS = 8_000;
/** Found locked so often in a row, a coin was given to two transactions at once: it stays locked until the epoch ends. */
const EQUIVOCATED_AFTER = 4;
/** How often an equivocated coin, and the epoch, are read again. */
const EQUIVOCATED_RECHECK_MS = 5_000;
const RECHECK = { baseMs: 400, maxMs: 4_000 } as const;
/** Reads begin at multiples of this many milliseconds, so that those of many coins are one call. */
const READ_TICK_MS = 200;

/** Reads coins that were set aside until they can be used again. */
export class CoinQuarantine {
  readonly #client: ClientContext;
  readonly #reader: CoinReader;
  readonly #signal: AbortSignal;
  /** How often in a row a coin was found locked. */
  readonly #locked = new Map<ObjectId, number>();

  /** @param signal ends all reading */
  constructor(client: ClientContext, owner: Address, signal: AbortSignal) {
    this.#client = client;
    this.#reader = new CoinReader(client, owner, signal);
    this.#signal = signal;
  }

  /** Whether a coin that is set aside now stays locked until the epoch ends. */
  isEquivocated(objectId: ObjectId, why: QuarantineReason): boolean {
    return why === 'locked' && (this.#locked.get(objectId) ?? 0) >= EQUIVOCATED_AFTER;
  }

  /** Forgets that a coin was found locked. */
  unlocked(objectId: ObjectId): void {
    this.#locked.delete(objectId);
  }

  /**
   * Reads a coin again and again until it can be used or is gone.
   *
   * @param coin as it was known; one without a digest is only expected, in the version after the one given
   * @param isCurrent asked after every wait: whether the coin is still set aside for this
   * @returns `undefined` when it is not any more, or the signal fired
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
        // A stale coin is usable as soon as it is read; a node's reads show a new one only after a moment; the others wait
        // for another transaction to end.
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
        // A node that lags behind shows an older version: never a reason to go back to it.
        if (typeof now === 'string') continue;
        if (now.version > version || (over && now.version === version && !isPlaceholder)) return now;
      }
    } catch {
      // The pool was closed.
      return undefined;
    }
  }

  /** A pause, drawn out to the next tick. */
  #untilTick(pauseMs: number): number {
    return pauseMs + READ_TICK_MS - ((this.#client.now() + pauseMs) % READ_TICK_MS);
  }

  /** The epoch, for comparison only; `undefined` while the node does not tell. */
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
