import { QuarryError, throwIfAborted } from '../../../errors/index.js';
import { allowManyListeners } from '../../../net/index.js';
import {
  type Address,
  deletedObjects,
  normaliseId,
  type ObjectId,
  type ReportedEffects,
  shannonsToSoma,
  writtenObjects,
} from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { listCoins, type OwnedCoin } from '../read/list-coins.js';
import { type CoinChoice, chooseCoins, MAX_COINS } from './choose-coins.js';
import { CoinQuarantine, type QuarantineReason } from './coin-quarantine.js';
import { CoinsByBalance } from './coins-by-balance.js';

/** Coins reserved for one transaction. The first one is charged; the others are merged into it. */
export interface CoinLease {
  readonly coins: readonly [OwnedCoin, ...OwnedCoin[]];
  readonly totalShannons: bigint;
}

/** State of the pool. */
export interface CoinPoolState {
  readonly free: number;
  readonly leased: number;
  readonly quarantined: number;
  readonly totalShannons: bigint;
}

export interface AcquireOptions extends CoinChoice {
  readonly signal?: AbortSignal | undefined;
}

interface Entry {
  readonly coin: OwnedCoin;
  state: 'free' | 'leased' | 'quarantined';
  /** When this was learnt, on the pool's logical clock. */
  learnt: number;
  /** When this was learnt, in milliseconds. */
  at: number;
  /** Whether it is locked until the end of the epoch. */
  equivocated?: boolean | undefined;
}

/**
 * Maximum lag of a node's reads behind the effects it returned. Coins missing from a list, or still in it, are believed
 * only if what we know is older than this.
 */
const READ_LAG_MS = 15_000;

/**
 * The coins of one address, managed so that concurrent transactions never use the same coin version. New versions are
 * learnt from effects. Coins that another program also uses are quarantined and read again until they are usable.
 */
export class CoinPool {
  readonly owner: Address;
  readonly #client: ClientContext;
  readonly #entries = new Map<ObjectId, Entry>();
  /** All coins. */
  readonly #all = new CoinsByBalance();
  /** Free coins. */
  readonly #free = new CoinsByBalance();
  /** Coins removed by effects, and when: lists may still contain them for a while. */
  readonly #removed = new Map<ObjectId, number>();
  readonly #abort = new AbortController();
  readonly #quarantine: CoinQuarantine;
  readonly #waiting = new Set<() => void>();
  #clock = 0;
  #refreshing: Promise<void> | undefined;
  #loaded = false;

  constructor(client: ClientContext, owner: Address) {
    this.#client = client;
    allowManyListeners(this.#abort.signal);
    this.owner = normaliseId(owner);
    this.#quarantine = new CoinQuarantine(client, this.owner, this.#abort.signal);
  }

  get state(): CoinPoolState {
    const counts = { free: 0, leased: 0, quarantined: 0 };
    for (const { state } of this.#entries.values()) counts[state]++;
    return { ...counts, totalShannons: this.totalShannons };
  }

  /** Total balance of all coins, including those in use. */
  get totalShannons(): bigint {
    return this.#all.totalShannons;
  }

  /** Number of coins, in use or not, with at least `amount` shannons. */
  countAtLeast(amount: bigint): number {
    return this.#all.countAtLeast(amount);
  }

  /** Whether a single free coin holds `amount` shannons. */
  hasFree(amount: bigint): boolean {
    return this.#free.smallestAtLeast(amount) !== undefined;
  }

  /** Free coins, richest first. */
  free(): OwnedCoin[] {
    return this.#free.richestFirst();
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
   * Reserves coins that hold `amount` together: a single one if possible, the smallest that suffices. If the free coins
   * do not suffice, waits for coins in use, and reads the coins again before giving up.
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
      const chosen = chooseCoins(this.#free, options, () => this.#isOneInUse(options.amount));
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
          `${this.owner} has ${has} SOMA, but needs ${needed} SOMA including fees`,
          {
            hint: 'send coins to the address, or ask the faucet of a test network',
            details: { address: this.owner, requiredShannons: options.amount, availableShannons: totalShannons },
          },
        );
      }
    }
  }

  /** Reserves a specific coin, if it is in the pool and free. */
  async reserve(objectId: ObjectId, signal?: AbortSignal): Promise<CoinLease | undefined> {
    await this.ready(signal);
    return this.reserveNow(objectId);
  }

  /** Like {@link reserve}, without reading the coins first. */
  reserveNow(objectId: ObjectId): CoinLease | undefined {
    const entry = this.#entries.get(normaliseId(objectId));
    return entry?.state === 'free' ? this.#lease([entry.coin]) : undefined;
  }

  /** Reserves all free coins, largest first, at most 256. */
  async takeAll(signal?: AbortSignal): Promise<CoinLease | undefined> {
    await this.ready(signal);
    const coins = this.free().slice(0, MAX_COINS);
    return coins.length === 0 ? undefined : this.#lease(coins);
  }

  /** Returns coins that no transaction has used. */
  release(lease: CoinLease): void {
    for (const coin of lease.coins) {
      const entry = this.#entries.get(coin.objectId);
      if (entry?.state === 'leased' && entry.coin.version === coin.version) this.#setState(entry, 'free');
    }
    this.#notify();
  }

  /**
   * Updates the coins from a transaction's effects.
   *
   * @param leases coins that it used
   * @param balances known balances of the coins it wrote, in shannons; others are read
   */
  settle(leases: readonly CoinLease[], effects: ReportedEffects, balances: ReadonlyMap<ObjectId, bigint>): void {
    const learnt = ++this.#clock;
    const types = new Map(effects.changedObjects.map((change) => [change.objectId, change.objectType]));
    for (const id of deletedObjects(effects)) this.#remove(id);
    for (const { coins } of leases) for (const { objectId } of coins) this.#quarantine.unlocked(objectId);
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

  /** Quarantines coins until reads show that they are usable. */
  quarantine(objectIds: Iterable<ObjectId>, why: QuarantineReason): void {
    for (const id of objectIds) {
      const entry = this.#entries.get(id);
      if (entry === undefined || entry.state === 'quarantined') continue;
      this.#setState(entry, 'quarantined');
      void this.#resolve(id, entry, why);
    }
  }

  /** Quarantines free coins used by transactions with unknown outcomes, in the versions used. */
  quarantineNamed(refs: Iterable<Pick<OwnedCoin, 'objectId' | 'version'>>): void {
    for (const { objectId, version } of refs) {
      const entry = this.#entries.get(objectId);
      if (entry?.state === 'free' && entry.coin.version === version) this.quarantine([objectId], 'unknown outcome');
    }
  }

  /**
   * Releases coins quarantined for a transaction whose outcome is now known.
   *
   * @param executed whether it was executed, so that newer versions have to be read; otherwise it never will be
   */
  resolveNamed(refs: Iterable<Pick<OwnedCoin, 'objectId' | 'version'>>, executed: boolean): void {
    for (const { objectId, version } of refs) {
      const entry = this.#entries.get(objectId);
      if (entry?.state !== 'quarantined' || entry.coin.version !== version) continue;
      // A new entry, so that the periodic reads of this one stop.
      if (!executed) this.#setFree(entry.coin, ++this.#clock);
      else {
        const again: Entry = { ...entry };
        this.#entries.set(objectId, again);
        void this.#resolve(objectId, again, 'stale');
      }
    }
    this.#notify();
  }

  /** Stops background reads. Existing leases remain valid. */
  close(): void {
    this.#abort.abort();
    this.#notify();
  }

  async #load(signal: AbortSignal | undefined): Promise<void> {
    const began = this.#clock;
    const listed = await listCoins(this.#client, this.owner, { signal });
    const learnt = ++this.#clock;
    const lagged = this.#client.now() - READ_LAG_MS;
    this.#forgetRemoved();
    const ids = new Set<ObjectId>();
    for (const coin of listed) {
      ids.add(coin.objectId);
      const entry = this.#entries.get(coin.objectId);
      // Effects received meanwhile are newer than the list.
      if (entry !== undefined && (entry.state !== 'free' || entry.coin.version >= coin.version)) continue;
      if (!this.#removed.has(coin.objectId)) this.#setFree(coin, learnt);
    }
    for (const [id, entry] of this.#entries) {
      if (entry.state === 'free' && entry.learnt <= began && entry.at < lagged && !ids.has(id)) this.#drop(id);
    }
    this.#loaded = true;
    this.#notify();
  }

  #lease(coins: readonly OwnedCoin[]): CoinLease {
    for (const { objectId } of coins) this.#setState(this.#entries.get(objectId)!, 'leased');
    return {
      coins: coins as [OwnedCoin, ...OwnedCoin[]],
      totalShannons: coins.reduce((sum, coin) => sum + coin.balanceShannons, 0n),
    };
  }

  #setFree(coin: OwnedCoin, learnt: number): void {
    this.#removed.delete(coin.objectId);
    this.#put({ coin, state: 'free', learnt, at: this.#client.now() });
  }

  #isOneInUse(amount: bigint): boolean {
    for (const { state, coin } of this.#entries.values()) {
      if (state === 'leased' && coin.balanceShannons >= amount) return true;
    }
    return false;
  }

  #put(entry: Entry): void {
    this.#drop(entry.coin.objectId);
    this.#entries.set(entry.coin.objectId, entry);
    this.#all.add(entry.coin);
    if (entry.state === 'free') this.#free.add(entry.coin);
  }

  #drop(objectId: ObjectId): void {
    const entry = this.#entries.get(objectId);
    if (entry === undefined) return;
    this.#entries.delete(objectId);
    this.#all.remove(entry.coin);
    this.#free.remove(entry.coin);
  }

  #setState(entry: Entry, state: Entry['state']): void {
    if (entry.state === state) return;
    if (entry.state === 'free') this.#free.remove(entry.coin);
    entry.state = state;
    if (state === 'free') this.#free.add(entry.coin);
  }

  #remove(objectId: ObjectId): void {
    this.#drop(objectId);
    this.#quarantine.unlocked(objectId);
    // Move it to the end, as the oldest come first.
    this.#removed.delete(objectId);
    this.#removed.set(objectId, this.#client.now());
    this.#forgetRemoved();
  }

  /** Forgets removed coins that no list can still contain, oldest first. */
  #forgetRemoved(): void {
    const lagged = this.#client.now() - READ_LAG_MS;
    for (const [id, at] of this.#removed) {
      if (at >= lagged) return;
      this.#removed.delete(id);
    }
  }

  /** Adds a coin whose balance is unknown from the effects; a node's reads may show it only after a moment. */
  #readLater(objectId: ObjectId, version: bigint): void {
    const placeholder: Entry = {
      // One version lower, so that reading this version counts as new.
      coin: { objectId, version: version - 1n, digest: '', balanceShannons: 0n },
      state: 'quarantined',
      learnt: this.#clock,
      at: this.#client.now(),
    };
    this.#put(placeholder);
    void this.#resolve(objectId, placeholder, 'stale');
  }

  async #resolve(objectId: ObjectId, entry: Entry, why: QuarantineReason): Promise<void> {
    const isCurrent = (): boolean => this.#entries.get(objectId) === entry;
    entry.equivocated = this.#quarantine.isEquivocated(objectId, why);
    if (entry.equivocated) this.#notify();
    const found = await this.#quarantine.untilUsable(entry.coin, why, isCurrent);
    if (found === undefined || !isCurrent()) return;
    if (found === 'gone') this.#drop(objectId);
    else this.#setFree(found, ++this.#clock);
    this.#notify();
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

function lockedUntilEpochEnds(objectId: ObjectId): QuarryError {
  return new QuarryError(
    'OBJECT_LOCKED',
    `coin ${objectId} is locked until the epoch ends, and the others do not suffice`,
    {
      hint: 'two transactions used it at once: give every program that signs with this key its own coins, or send more',
      details: { objectId },
    },
  );
}
