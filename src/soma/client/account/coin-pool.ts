import { QuarryError, throwIfAborted } from '../../../errors/index.js';
import { allowManyListeners, backoffDelayMs } from '../../../http/index.js';
import {
  type Address,
  decodeCoin,
  deletedObjects,
  normaliseId,
  type ObjectId,
  type ReportedEffects,
  shannonsToSoma,
  writtenObjects,
} from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { refOf } from '../decode/object.js';
import { getObject } from '../read/get-object.js';
import { getServiceInfo } from '../read/get-service-info.js';
import { listCoins, type OwnedCoin, richestFirst } from '../read/list-coins.js';

/** Why it is not known whether a coin can be used. */
export type QuarantineReason = 'stale' | 'locked' | 'unknown outcome';

/** Coins set aside for one transaction. The first one is charged; the others are merged into it. */
export interface CoinLease {
  readonly coins: readonly [OwnedCoin, ...OwnedCoin[]];
  readonly totalShannons: bigint;
}

/** What the pool holds. */
export interface CoinPoolState {
  readonly free: number;
  readonly leased: number;
  readonly quarantined: number;
  readonly totalShannons: bigint;
}

export interface AcquireOptions {
  /** Least sum of the coins, in shannons. */
  readonly amount: bigint;
  /** Merges up to this many coins along the way: those below `dustShannons`, and of more than `keep` coins the poorest. Default 0. */
  readonly merge?: number | undefined;
  readonly dustShannons?: bigint | undefined;
  /** Free coins that are enough. Default: all. */
  readonly keep?: number | undefined;
  /** Waits for a coin in use that holds the amount by itself, rather than join those that are free. Default false. */
  readonly patient?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Entry {
  readonly coin: OwnedCoin;
  state: 'free' | 'leased' | 'quarantined';
  /** When this was learnt, as a step of the pool's own counter. */
  learnt: number;
  /** The same by the clock, in milliseconds. */
  at: number;
  /** Whether it is locked until the epoch ends. */
  equivocated?: boolean | undefined;
}

/** Most coins in one gas payment: 256 references are 19 KB. */
const MAX_COINS = 256;
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
/**
 * How far a node's reads may lag behind the effects it answered with. What a list does not show, or still shows, is
 * believed only when it was learnt longer ago.
 */
const READ_LAG_MS = 15_000;
const RECHECK = { baseMs: 400, maxMs: 4_000 } as const;

/**
 * The coins of one address, so that many transactions can be in flight without naming the same coin version. It learns
 * new versions from effects. Coins that another program uses too are set aside and read again until they are usable.
 */
export class CoinPool {
  readonly owner: Address;
  readonly #client: ClientContext;
  readonly #entries = new Map<ObjectId, Entry>();
  /** What the coins hold together; `undefined` once one has come, gone or changed. */
  #total: bigint | undefined;
  /** How often in a row a coin was found locked. */
  readonly #locked = new Map<ObjectId, number>();
  /** Coins that effects took away, and when: a list may still show them for a while. */
  readonly #removed = new Map<ObjectId, number>();
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  #clock = 0;
  #refreshing: Promise<void> | undefined;
  #loaded = false;

  constructor(client: ClientContext, owner: Address) {
    this.#client = client;
    allowManyListeners(this.#abort.signal);
    this.owner = normaliseId(owner);
  }

  get state(): CoinPoolState {
    const counts = { free: 0, leased: 0, quarantined: 0 };
    for (const { state } of this.#entries.values()) counts[state]++;
    return { ...counts, totalShannons: this.totalShannons };
  }

  /** What all coins hold together, those in use included. */
  get totalShannons(): bigint {
    if (this.#total === undefined) {
      this.#total = 0n;
      for (const { coin } of this.#entries.values()) this.#total += coin.balanceShannons;
    }
    return this.#total;
  }

  /** Coins in the pool, in use or not, that hold at least `amount` shannons. */
  countAtLeast(amount: bigint): number {
    let count = 0;
    for (const { coin } of this.#entries.values()) if (coin.balanceShannons >= amount) count++;
    return count;
  }

  /** Whether some free coin holds `amount` shannons by itself. */
  hasFree(amount: bigint): boolean {
    for (const { state, coin } of this.#entries.values()) {
      if (state === 'free' && coin.balanceShannons >= amount) return true;
    }
    return false;
  }

  /** Free coins, richest first. */
  free(): OwnedCoin[] {
    const free = [...this.#entries.values()].filter((entry) => entry.state === 'free');
    return free.map((entry) => entry.coin).sort(richestFirst);
  }

  /** Reads the coins from the node; concurrent calls share one read. */
  refresh(signal?: AbortSignal): Promise<void> {
    this.#refreshing ??= this.#load(signal).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Reads the coins once, on first use. */
  async ready(signal?: AbortSignal): Promise<void> {
    if (!this.#loaded) await this.refresh(signal);
  }

  /**
   * Sets coins aside that hold `amount` together: one if one suffices, the smallest that does. Waits for coins in use
   * when the free ones do not suffice, and reads the coins again before giving up.
   *
   * @throws QuarryError `INSUFFICIENT_FUNDS` when all coins together do not hold `amount`
   * @throws QuarryError `ABORTED` when the signal fires or the pool is closed
   */
  async acquire(options: AcquireOptions): Promise<CoinLease> {
    await this.ready(options.signal);
    let reread = false;
    for (;;) {
      throwIfAborted(options.signal, 'waiting for a coin');
      throwIfAborted(this.#abort.signal, 'waiting for a coin');
      const chosen = this.#choose(options);
      if (chosen !== undefined) return this.#lease(chosen);
      const busy = [...this.#entries.values()].filter((entry) => entry.state !== 'free');
      if (busy.some((entry) => entry.equivocated !== true)) await this.#change(options.signal);
      else if (!reread) {
        reread = true;
        await this.refresh(options.signal);
      } else {
        const [locked] = busy;
        if (locked !== undefined) throw lockedUntilEpochEnds(locked.coin.objectId);
        const { totalShannons } = this;
        const [has, needed] = [shannonsToSoma(totalShannons), shannonsToSoma(options.amount)];
        throw new QuarryError(
          'INSUFFICIENT_FUNDS',
          `${this.owner} has ${has} SOMA, and ${needed} SOMA are needed with the fees`,
          {
            hint: 'send coins to the address, or ask the faucet of a test network',
            details: { address: this.owner, requiredShannons: options.amount, availableShannons: totalShannons },
          },
        );
      }
    }
  }

  /** Sets one certain coin aside, when the pool has it and it is free. */
  async reserve(objectId: ObjectId, signal?: AbortSignal): Promise<CoinLease | undefined> {
    await this.ready(signal);
    return this.reserveNow(objectId);
  }

  /** {@link reserve} of coins that were read already. */
  reserveNow(objectId: ObjectId): CoinLease | undefined {
    const entry = this.#entries.get(normaliseId(objectId));
    return entry?.state === 'free' ? this.#lease([entry]) : undefined;
  }

  /** Sets all free coins aside, richest first, 256 at most. */
  async takeAll(signal?: AbortSignal): Promise<CoinLease | undefined> {
    await this.ready(signal);
    const entries = this.free()
      .slice(0, MAX_COINS)
      .map((coin) => this.#entries.get(coin.objectId)!);
    return entries.length === 0 ? undefined : this.#lease(entries);
  }

  /** Gives coins back that no transaction has used. */
  release(lease: CoinLease): void {
    for (const coin of lease.coins) {
      const entry = this.#entries.get(coin.objectId);
      if (entry?.state === 'leased' && entry.coin.version === coin.version) entry.state = 'free';
    }
    this.#notify();
  }

  /**
   * Learns what a transaction made of the coins.
   *
   * @param leases coins that it used
   * @param balances what is known of the coins it wrote, in shannons; others are read
   */
  settle(leases: readonly CoinLease[], effects: ReportedEffects, balances: ReadonlyMap<ObjectId, bigint>): void {
    const learnt = ++this.#clock;
    const types = new Map(effects.changedObjects.map((change) => [change.objectId, change.objectType]));
    for (const id of deletedObjects(effects)) this.#remove(id);
    for (const { coins } of leases) for (const { objectId } of coins) this.#locked.delete(objectId);
    for (const { objectId, version, digest, owner } of writtenObjects(effects)) {
      const known = this.#entries.get(objectId);
      if (owner.kind !== 'address' || owner.address !== this.owner) {
        this.#remove(objectId);
        continue;
      }
      const type = types.get(objectId);
      if (known === undefined && type !== undefined && type !== 'Coin') continue;
      const balanceShannons = balances.get(objectId);
      if (balanceShannons !== undefined && balanceShannons >= 0n) {
        this.#setFree({ objectId, version, digest, balanceShannons }, learnt);
      } else if (known !== undefined || balances.size === 0 || type === 'Coin') {
        this.#readLater(objectId, version);
      }
    }
    for (const lease of leases) this.release(lease);
    this.#notify();
  }

  /** Sets coins aside until reading them shows that they can be used. */
  quarantine(objectIds: Iterable<ObjectId>, why: QuarantineReason): void {
    for (const id of objectIds) {
      const entry = this.#entries.get(id);
      if (entry === undefined || entry.state === 'quarantined') continue;
      entry.state = 'quarantined';
      void this.#resolve(id, entry, why);
    }
  }

  /** Sets free coins aside that transactions name whose outcome is not known, in the version that they name. */
  quarantineNamed(refs: Iterable<Pick<OwnedCoin, 'objectId' | 'version'>>): void {
    for (const { objectId, version } of refs) {
      const entry = this.#entries.get(objectId);
      if (entry?.state === 'free' && entry.coin.version === version) this.quarantine([objectId], 'unknown outcome');
    }
  }

  /**
   * Takes coins back that were set aside for a transaction whose outcome is known now.
   *
   * @param executed whether it was, so that there are newer versions to read; otherwise it never will be
   */
  resolveNamed(refs: Iterable<Pick<OwnedCoin, 'objectId' | 'version'>>, executed: boolean): void {
    for (const { objectId, version } of refs) {
      const entry = this.#entries.get(objectId);
      if (entry?.state !== 'quarantined' || entry.coin.version !== version) continue;
      // Another entry, so that what reads this one every few seconds ends.
      if (!executed) this.#setFree(entry.coin, ++this.#clock);
      else {
        const again: Entry = { ...entry };
        this.#entries.set(objectId, again);
        void this.#resolve(objectId, again, 'stale');
      }
    }
    this.#notify();
  }

  /** Ends its checks in the background. Leases that are out stay with their holders. */
  close(): void {
    this.#abort.abort();
    this.#notify();
  }

  async #load(signal: AbortSignal | undefined): Promise<void> {
    const began = this.#clock;
    const listed = await listCoins(this.#client, this.owner, signal === undefined ? {} : { signal });
    const learnt = ++this.#clock;
    const lagged = this.#client.now() - READ_LAG_MS;
    this.#forgetRemoved();
    const ids = new Set<ObjectId>();
    for (const coin of listed) {
      ids.add(coin.objectId);
      const entry = this.#entries.get(coin.objectId);
      // What effects told meanwhile is newer than the list.
      if (entry !== undefined && (entry.state !== 'free' || entry.coin.version >= coin.version)) continue;
      if (!this.#removed.has(coin.objectId)) this.#setFree(coin, learnt);
    }
    for (const [id, entry] of this.#entries) {
      if (entry.state === 'free' && entry.learnt <= began && entry.at < lagged && !ids.has(id)) this.#drop(id);
    }
    this.#loaded = true;
    this.#notify();
  }

  #choose(options: AcquireOptions): Entry[] | undefined {
    const { amount, merge = 0, dustShannons = 0n, keep = Number.POSITIVE_INFINITY, patient = false } = options;
    let single: Entry | undefined;
    let isWorthWaiting = false;
    let free = 0;
    let dust = 0;
    for (const entry of this.#entries.values()) {
      const { balanceShannons } = entry.coin;
      if (patient && entry.state === 'leased' && balanceShannons >= amount) isWorthWaiting = true;
      if (entry.state !== 'free') continue;
      free++;
      if (balanceShannons < dustShannons) dust++;
      if (balanceShannons < amount) continue;
      if (single === undefined || balanceShannons < single.coin.balanceShannons) single = entry;
    }
    // Most often: one coin suffices, and there is nothing to tidy up.
    if (single !== undefined && (merge === 0 || (dust === 0 && free - 1 <= keep))) return [single];
    if (single === undefined && isWorthWaiting) return undefined;
    const sorted = this.free();
    const chosen = single === undefined ? enough(sorted, amount) : [single.coin];
    if (chosen === undefined) return undefined;
    // Claims bring coins of their own: without this an address would have more of them for ever.
    const poorest = sorted.filter((coin) => !chosen.includes(coin)).reverse();
    const surplus = poorest.length - keep;
    const merged = poorest.filter(({ balanceShannons }, index) => balanceShannons < dustShannons || index < surplus);
    const extra = merged.slice(0, Math.max(0, Math.min(merge, MAX_COINS - chosen.length)));
    return [...chosen, ...extra].map((coin) => this.#entries.get(coin.objectId)!);
  }

  #lease(entries: readonly Entry[]): CoinLease {
    for (const entry of entries) entry.state = 'leased';
    const coins = entries.map((entry) => entry.coin) as [OwnedCoin, ...OwnedCoin[]];
    return { coins, totalShannons: coins.reduce((sum, coin) => sum + coin.balanceShannons, 0n) };
  }

  #setFree(coin: OwnedCoin, learnt: number): void {
    this.#removed.delete(coin.objectId);
    this.#put({ coin, state: 'free', learnt, at: this.#client.now() });
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.coin.objectId, entry);
    this.#total = undefined;
  }

  #drop(objectId: ObjectId): void {
    this.#entries.delete(objectId);
    this.#total = undefined;
  }

  #remove(objectId: ObjectId): void {
    this.#drop(objectId);
    this.#locked.delete(objectId);
    // At the end again: the oldest come first.
    this.#removed.delete(objectId);
    this.#removed.set(objectId, this.#client.now());
    this.#forgetRemoved();
  }

  /** Forgets what no list shows any more, oldest first. */
  #forgetRemoved(): void {
    const lagged = this.#client.now() - READ_LAG_MS;
    for (const [id, at] of this.#removed) {
      if (at >= lagged) return;
      this.#removed.delete(id);
    }
  }

  /** Adds a coin whose balance the effects do not tell: a node's reads may show it only a moment later. */
  #readLater(objectId: ObjectId, version: bigint): void {
    const placeholder: Entry = {
      // One below, so that reading this version counts as news.
      coin: { objectId, version: version - 1n, digest: '', balanceShannons: 0n },
      state: 'quarantined',
      learnt: this.#clock,
      at: this.#client.now(),
    };
    this.#put(placeholder);
    void this.#resolve(objectId, placeholder, 'stale');
  }

  async #resolve(objectId: ObjectId, entry: Entry, why: QuarantineReason): Promise<void> {
    const { signal } = this.#abort;
    const isEquivocated = why === 'locked' && (this.#locked.get(objectId) ?? 0) >= EQUIVOCATED_AFTER;
    entry.equivocated = isEquivocated;
    if (isEquivocated) this.#notify();
    let deadline = isEquivocated ? Number.POSITIVE_INFINITY : this.#client.now() + this.#limitMs(objectId, why);
    try {
      const lockedIn = isEquivocated ? await this.#epoch(signal) : undefined;
      for (let attempt = 0; ; attempt++) {
        // A stale coin is usable as soon as it is read; the others wait for another transaction to end.
        if (attempt > 0 || why !== 'stale') {
          const pause = isEquivocated ? EQUIVOCATED_RECHECK_MS : backoffDelayMs(attempt, RECHECK, this.#client.random);
          const left = deadline - this.#client.now();
          await this.#client.sleep(left > 0 ? Math.min(left, pause) : pause, signal);
        }
        if (this.#entries.get(objectId) !== entry) return;
        if (isEquivocated && (await this.#epoch(signal)) !== lockedIn) {
          this.#locked.delete(objectId);
          deadline = this.#client.now();
        }
        const now = await this.#read(objectId, signal);
        if (this.#entries.get(objectId) !== entry) return;
        const over = this.#client.now() >= deadline;
        const isPlaceholder = entry.coin.digest === '';
        if (isPlaceholder ? over && typeof now === 'string' : now === 'gone') {
          this.#drop(objectId);
          return this.#notify();
        }
        // A node that lags behind shows an older version: never a reason to go back to it.
        if (typeof now !== 'string') {
          const { version } = entry.coin;
          if (now.version > version || (over && now.version === version && !isPlaceholder)) {
            this.#setFree(now, ++this.#clock);
            return this.#notify();
          }
        }
      }
    } catch {
      // The pool was closed.
    }
  }

  /** The epoch, for comparison only; `undefined` while the node does not tell. */
  async #epoch(signal: AbortSignal): Promise<bigint | undefined> {
    try {
      return (await getServiceInfo(this.#client, { signal, timeoutMs: 10_000 })).epoch;
    } catch (error) {
      if (signal.aborted) throw error;
      return undefined;
    }
  }

  #limitMs(objectId: ObjectId, why: QuarantineReason): number {
    if (why !== 'locked') return QUARANTINE_LIMIT_MS[why];
    const times = this.#locked.get(objectId) ?? 0;
    this.#locked.set(objectId, times + 1);
    return Math.min(QUARANTINE_LIMIT_MS.locked * 2 ** times, LOCKED_LIMIT_MS);
  }

  async #read(objectId: ObjectId, signal: AbortSignal): Promise<OwnedCoin | 'gone' | 'unreadable'> {
    try {
      const object = await getObject(this.#client, objectId, { signal, timeoutMs: 10_000 });
      const mine = object.owner.kind === 'address' && object.owner.address === this.owner && object.type === 'Coin';
      return mine ? { ...refOf(object), balanceShannons: decodeCoin(object.payload).balance } : 'gone';
    } catch (error) {
      if (signal.aborted) throw error;
      return error instanceof QuarryError && error.code === 'NOT_FOUND' ? 'gone' : 'unreadable';
    }
  }

  #notify(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      if (signal !== undefined) allowManyListeners(signal).addEventListener('abort', wake, { once: true });
    });
  }
}

/** The richest coins that hold `amount` together. */
function enough(richest: readonly OwnedCoin[], amount: bigint): OwnedCoin[] | undefined {
  const chosen: OwnedCoin[] = [];
  let sum = 0n;
  for (const coin of richest.slice(0, MAX_COINS)) {
    chosen.push(coin);
    sum += coin.balanceShannons;
    if (sum >= amount) return chosen;
  }
  return undefined;
}

function lockedUntilEpochEnds(objectId: ObjectId): QuarryError {
  return new QuarryError('OBJECT_LOCKED', `coin ${objectId} is locked until the epoch ends, and no other suffices`, {
    hint: 'two transactions named it at once: let every program that signs with this key have coins of its own, or send more',
    details: { objectId },
  });
}
