import { QuarryError, toQuarryError } from '../../../errors/index.js';
import { backoffDelayMs } from '../../../http/index.js';
import {
  deriveId,
  type FeeParameters,
  type ObjectId,
  type ObjectRef,
  type ReportedEffects,
  type SignedTransaction,
  type Signer,
  shannonsToSoma,
  signTransaction,
  type TransactionData,
  type TransactionKind,
  type TransactionKindName,
  totalFee,
} from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import { assertSucceeded } from '../decode/execution-error.js';
import type { SystemParameters } from '../decode/system-state.js';
import { executeTransaction, type TransactionResult } from '../execute/execute-transaction.js';
import { findResult } from '../execute/find-result.js';
import { waitForCheckpoint } from '../execute/wait-for-transaction.js';
import { getSystemParameters } from '../read/get-system-parameters.js';
import type { OwnedCoin } from '../read/list-coins.js';
import type { CheckpointTicket, CheckpointWaiter } from '../watch/checkpoint-waiter.js';
import { type AcquireOptions, type CoinLease, CoinPool } from './coin-pool.js';
import { defaultMaxBond, defaultMaxFee } from './spending-limits.js';

/** How an account sends: how many at once, and what it may cost, in shannons. */
export interface AccountOptions {
  /** Transactions that shall be able to be in flight at once: coins are split until there are as many. Default 1. */
  readonly parallel?: number | undefined;
  /** What each of those coins shall hold, in shannons. Default 0.1 SOMA, or less when there is not enough. */
  readonly coinShannons?: bigint | undefined;
  /** Largest fee of one transaction, in shannons. Default: ten times the fee of the protocol. */
  readonly maxFeeShannons?: bigint | undefined;
  /** Largest bond of one submission, in shannons. Default: ten times the bond of the protocol. */
  readonly maxBondShannons?: bigint | undefined;
}

/** How to send one transaction. */
export interface SendOptions extends CallOptions {
  /** False returns as soon as it is final, without waiting for its checkpoint. Default true. */
  readonly wait?: boolean | undefined;
  /** Longest wait for the checkpoint. Default 30 s. */
  readonly waitMs?: number | undefined;
  /**
   * Called with the signed transaction before it leaves, so that its digest can be written down. Another signature follows only
   * when the one before was refused for its coins, which costs nothing, or after `onSuperseded`.
   */
  readonly onSigned?: ((signed: SignedTransaction) => void | Promise<void>) | undefined;
  /**
   * Called with a transaction that the network executed, charged and cancelled for congestion, before another is signed in its
   * place. The result of the call tells the fee of the last one only.
   */
  readonly onSuperseded?: ((cancelled: TransactionResult) => void | Promise<void>) | undefined;
}

/** A transaction to be built over whichever coins are free. */
export interface Plan {
  /** Named in errors. */
  readonly doing: string;
  /** What the gas coin must hold, fees aside: what is paid, staked or bonded from it. */
  readonly spends: bigint;
  /** What the value fee is charged on. Default `spends`. */
  readonly value?: bigint | undefined;
  /** Objects written, for the fee. */
  readonly writes: number;
  /** Least sum of the coins that pay, when more than the transaction needs. */
  readonly atLeast?: bigint | undefined;
  /** Waits for one coin that suffices, rather than join the small ones that others may need at any moment. */
  readonly patient?: boolean | undefined;
  /** The kind, given the coin that pays and, where it spends a coin, is spent. */
  readonly build: (gas: OwnedCoin) => TransactionKind;
  /** Kind, before there is a coin to build it over. */
  readonly kind: TransactionKindName;
  /** Coins that come to us: balances by creation number. */
  readonly creates?: ReadonlyMap<number, bigint> | undefined;
  /** Whether others may be faster: coins are merged only where that cannot be left to other transactions. */
  readonly inRace?: boolean | undefined;
  /** Coins of the pool, beside the gas, that the kind names. */
  readonly others?: readonly CoinLease[] | undefined;
}

const ATTEMPTS = 6;
/** Pauses before another transaction takes the place of one that was cancelled. */
const CANCELLED_BACKOFF = { baseMs: 200, maxMs: 2_000 } as const;
/** How old the parameters may be before they are read again. */
const PARAMETERS_MAX_AGE_MS = 60_000;
const DEFAULT_COIN_SHANNONS = 100_000_000n;
/** Below this a coin is neither worth a split of its own nor counted as ready: the bond of 15 KB. */
const MIN_COIN_SHANNONS = 1_000_000n;
/** More than a claim brings, so that coins become fewer. */
const MERGED_PER_TRANSACTION = 4;
/** Coins kept free for each transaction that may be in flight; what is more is merged along the way. */
const SPARE_COINS = 4;
const MAX_SPARE_COINS = 64;
/** Coins that one transaction makes at most. */
const MAX_SPLIT = 128;

/** Builds, signs and sends the transactions of one signer over its pool of coins. */
export class TransactionSender {
  readonly signer: Signer;
  readonly pool: CoinPool;
  protected readonly client: ClientContext;
  readonly #hub: CheckpointWaiter;
  #options: AccountOptions;
  #parameters: { readonly value: Promise<SystemParameters>; readonly at: number } | undefined;
  #splitting: Promise<void> | undefined;
  #closed = false;
  #fees = 0n;

  constructor(client: ClientContext, hub: CheckpointWaiter, signer: Signer, options: AccountOptions) {
    this.client = client;
    this.#hub = hub;
    this.signer = signer;
    this.#options = options;
    this.pool = new CoinPool(client, signer.address);
  }

  /** Changes how many transactions may be in flight, and what their coins hold. */
  configure(options: AccountOptions): void {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#options = { ...this.#options, ...Object.fromEntries(given) };
  }

  get address(): string {
    return this.pool.owner;
  }

  /** Fees of every transaction this account has sent, splits of coins and failures included. */
  get feesShannons(): bigint {
    return this.#fees;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The parameters that fees and bonds depend on. Once they are a minute old, they are read again in the background: they
   * change with the epoch and by little, and a submission must not wait for them.
   */
  parameters(): Promise<SystemParameters> {
    const known = this.#parameters;
    const now = this.client.now();
    if (known !== undefined && now - known.at <= PARAMETERS_MAX_AGE_MS) return known.value;
    const value = getSystemParameters(this.client);
    // Calls meanwhile share this read, or keep what is known.
    this.#parameters = { value: known?.value ?? value, at: now };
    value.then(
      () => {
        this.#parameters = { value, at: this.client.now() };
      },
      () => {
        if (known === undefined) this.#parameters = undefined;
      },
    );
    return known?.value ?? value;
  }

  /**
   * What a transaction is charged, in shannons: see `totalFee`.
   *
   * @throws QuarryError `FAILED_PRECONDITION` when that is more than is paid: what a node tells is not believed blindly
   */
  protected async fee(kind: TransactionKindName, value: bigint, objectsWritten: number): Promise<bigint> {
    const parameters: FeeParameters = await this.parameters();
    const fee = totalFee(kind, value, objectsWritten, parameters);
    assertWithin('fee', fee, this.#options.maxFeeShannons ?? defaultMaxFee(kind, value, objectsWritten));
    return fee;
  }

  /** Stops waiting for coins; transactions that were sent go their way. */
  close(): void {
    this.#closed = true;
    this.pool.close();
  }

  /**
   * A transaction over coins of the pool, unsigned. The coins are not set aside: for signing elsewhere, and for
   * simulating.
   */
  protected async planned(plan: Plan, signal?: AbortSignal): Promise<TransactionData> {
    const lease = await this.pool.acquire({
      amount: await this.#needed(plan),
      signal,
    });
    this.pool.release(lease);
    return this.#dataOf(plan, lease);
  }

  /**
   * Sends a transaction over free coins. Coins that turn out to be locked or stale are set aside and others are tried.
   *
   * @throws ExecutionError when it executes and fails
   * @throws QuarryError `INSUFFICIENT_FUNDS` when all coins together do not suffice
   * @throws QuarryError `OUTCOME_UNKNOWN` when it can not be found out what became of it
   */
  protected async send(plan: Plan, options: SendOptions = {}): Promise<TransactionResult> {
    try {
      const amount = await this.#needed(plan);
      await this.#splitWhereNeeded(amount, options.signal);
      for (let attempt = 1; ; attempt++) {
        const { patient } = plan;
        const lease = await this.pool.acquire({ amount, ...this.#tidying(plan), patient, signal: options.signal });
        const outcome = await this.#attempt(plan, lease, options, attempt < ATTEMPTS ? attempt : undefined);
        if (outcome !== 'again') return outcome;
      }
    } finally {
      for (const other of plan.others ?? []) this.pool.release(other);
    }
  }

  /** @throws QuarryError `FAILED_PRECONDITION` when a submission's bond is larger than is given */
  protected assertBond(bond: bigint, sizeBytes: bigint | number): void {
    assertWithin('bond', bond, this.#options.maxBondShannons ?? defaultMaxBond(sizeBytes));
  }

  get #parallel(): number {
    return this.#options.parallel ?? 1;
  }

  /** Which coins are merged along the way. */
  #tidying({ inRace = false }: Plan): Pick<AcquireOptions, 'merge' | 'dustShannons' | 'keep'> {
    if (this.#parallel <= 1) return {};
    const keep = Math.min(this.#parallel * SPARE_COINS, this.#parallel + MAX_SPARE_COINS);
    return {
      merge: MERGED_PER_TRANSACTION,
      dustShannons: inRace ? 0n : MIN_COIN_SHANNONS,
      keep: inRace ? 2 * keep : keep,
    };
  }

  get #coinShannons(): bigint {
    return this.#options.coinShannons ?? DEFAULT_COIN_SHANNONS;
  }

  async #needed(plan: Plan): Promise<bigint> {
    // One object more than planned: a replacement target, or the coin that a split leaves.
    const needed = plan.spends + (await this.fee(plan.kind, plan.value ?? plan.spends, plan.writes + 1));
    return plan.atLeast !== undefined && plan.atLeast > needed ? plan.atLeast : needed;
  }

  #dataOf(plan: Plan, lease: CoinLease): TransactionData {
    const gasPayment: ObjectRef[] = lease.coins.map(({ objectId, version, digest }) => ({ objectId, version, digest }));
    return { kind: plan.build(lease.coins[0]), sender: this.address, gasPayment };
  }

  async #attempt(
    plan: Plan,
    lease: CoinLease,
    options: SendOptions,
    attempt: number | undefined,
  ): Promise<TransactionResult | 'again'> {
    const mayRetry = attempt !== undefined;
    const leased = new Set([lease, ...(plan.others ?? [])].flatMap(({ coins }) => coins.map((coin) => coin.objectId)));
    let ticket: CheckpointTicket | undefined;
    let result: TransactionResult;
    let sent = false;
    try {
      const signed = await signTransaction(this.#dataOf(plan, lease), this.signer);
      await options.onSigned?.(signed);
      if (options.wait !== false) ticket = this.#hub.watch(signed.digest);
      sent = true;
      result = await executeTransaction(this.client, signed, {
        timeoutMs: options.timeoutMs,
        signal: options.signal,
      });
      if (mayRetry && isCancelled(result.effects)) result = await this.#asRecorded(result, options.signal);
    } catch (caught) {
      ticket?.cancel();
      const error = toQuarryError(caught, plan.doing);
      const again = this.#giveBack(error, lease, leased, sent);
      if (again && mayRetry) return 'again';
      throw error;
    }
    this.#fees += result.effects.fee.totalFee;
    // Before waiting: the coins can be used again as soon as their new versions are known.
    this.pool.settle([lease, ...(plan.others ?? [])], result.effects, this.#balancesAfter(plan, lease, result));
    const { status } = result.effects;
    if (status.kind === 'failure') {
      ticket?.cancel();
      if (mayRetry && isCancelled(result.effects)) {
        await options.onSuperseded?.(result);
        const pause = backoffDelayMs(attempt - 1, CANCELLED_BACKOFF, this.client.random);
        await this.client.sleep(pause, options.signal);
        return 'again';
      }
      assertSucceeded(result.effects, plan.doing);
    }
    if (ticket === undefined || result.checkpoint !== undefined) {
      ticket?.cancel();
      return result;
    }
    const checkpoint = await waitForCheckpoint(this.client, this.#hub, result.digest, options, ticket);
    return { ...result, checkpoint };
  }

  /**
   * What the ledger has of a transaction that is said to be cancelled. Another is signed only over its word: two that
   * both take effect would pay twice.
   *
   * @throws QuarryError `OUTCOME_UNKNOWN` when the node does not tell
   */
  async #asRecorded(cancelled: TransactionResult, signal: AbortSignal | undefined): Promise<TransactionResult> {
    const { digest } = cancelled;
    const found = await findResult(this.client, digest, signal === undefined ? {} : { signal });
    if (found !== undefined) return found;
    throw new QuarryError('OUTCOME_UNKNOWN', `transaction ${digest} was reported cancelled, but cannot be found`, {
      hint: 'look it up by its digest before sending another',
      details: { digest },
    });
  }

  /** Puts the coins of a failed attempt where they belong. Returns whether other coins may succeed. */
  #giveBack(error: QuarryError, lease: CoinLease, leased: ReadonlySet<ObjectId>, sent: boolean): boolean {
    if (error.code === 'OBJECT_LOCKED' || error.code === 'OBJECT_STALE') {
      const why = error.code === 'OBJECT_LOCKED' ? 'locked' : 'stale';
      const culprit = error.details['objectId'];
      const ours = typeof culprit !== 'string' || leased.has(culprit);
      if (ours) this.pool.quarantine(typeof culprit === 'string' ? [culprit] : leased, why);
      this.pool.release(lease);
      return ours && (typeof culprit !== 'string' || lease.coins.some((coin) => coin.objectId === culprit));
    }
    const refused = error.code === 'TRANSACTION_REJECTED' || error.code === 'SIGNATURE_INVALID' || !sent;
    if (refused || error.code === 'INVALID_ARGUMENT' || error.code === 'DATA_TOO_LARGE') this.pool.release(lease);
    else this.pool.quarantine(leased, 'unknown outcome');
    return false;
  }

  #balancesAfter(plan: Plan, lease: CoinLease, { digest, effects }: TransactionResult): Map<ObjectId, bigint> {
    const succeeded = effects.status.kind === 'success';
    const balances = new Map<ObjectId, bigint>();
    for (const other of plan.others ?? []) {
      for (const coin of other.coins) balances.set(coin.objectId, coin.balanceShannons);
    }
    const left = lease.totalShannons - effects.fee.totalFee - (succeeded ? plan.spends : 0n);
    balances.set(lease.coins[0].objectId, left);
    if (succeeded) for (const [n, amount] of plan.creates ?? []) balances.set(deriveId(digest, n), amount);
    return balances;
  }

  /** Splits coins beside the work; waits for that only where no coin is free that holds `amount`. */
  async #splitWhereNeeded(amount: bigint, signal: AbortSignal | undefined): Promise<void> {
    if (this.#parallel <= 1) return;
    await this.pool.ready(signal);
    if (this.pool.countAtLeast(MIN_COIN_SHANNONS) >= this.#parallel && this.#splitting === undefined) return;
    this.#splitting ??= this.#split(signal).finally(() => {
      this.#splitting = undefined;
    });
    // The coin that is split is taken by now.
    if (!this.pool.hasFree(amount)) return this.#splitting;
    // The caller waiting for it gets the error; a submission that has its coin does not fail with it.
    this.#splitting.catch(() => {});
  }

  /**
   * One transaction that pays the missing coins to ourselves, out of the poorest free coin that has enough for them, or the
   * richest: what pays for more than a submission stays as large as it is.
   */
  async #split(signal: AbortSignal | undefined): Promise<void> {
    const missing = this.#parallel - this.pool.countAtLeast(MIN_COIN_SHANNONS);
    if (missing <= 0) return;
    const free = this.pool.free();
    const whole = this.#coinShannons * BigInt(Math.min(missing, MAX_SPLIT) + 2);
    const rich = free.findLast(({ balanceShannons }) => balanceShannons >= whole) ?? free[0];
    if (rich === undefined) return;
    // Of twice the least, so that a coin does not count as dust after its first transaction.
    const affordable = Number(rich.balanceShannons / (2n * MIN_COIN_SHANNONS)) - 2;
    const parts = Math.min(missing, affordable, MAX_SPLIT);
    if (parts <= 0) return;
    const share = rich.balanceShannons / BigInt(parts + 2);
    const each = share < this.#coinShannons ? share : this.#coinShannons;
    if (each < MIN_COIN_SHANNONS) return;
    // At once, so that the next search for a free coin cannot take it.
    const lease = this.pool.reserveNow(rich.objectId);
    if (lease === undefined) return;
    const amounts = Array.from({ length: parts }, () => each);
    const plan: Plan = {
      doing: 'splitting coins',
      kind: 'payCoins',
      spends: each * BigInt(parts),
      writes: parts + 1,
      build: (coin) => ({
        kind: 'payCoins',
        coins: [refOfCoin(coin)],
        amounts,
        recipients: amounts.map(() => this.address),
      }),
      creates: new Map(amounts.map((amount, index) => [index, amount])),
    };
    await this.#attempt(plan, lease, { wait: false, signal }, 1);
  }
}

function assertWithin(what: 'fee' | 'bond', amount: bigint, most: bigint): void {
  if (amount <= most) return;
  const message = `the node asks for a ${what} of ${shannonsToSoma(amount)} SOMA, above the limit of ${shannonsToSoma(most)}`;
  throw new QuarryError('FAILED_PRECONDITION', message, {
    hint: `ask another fullnode, or raise --max-${what}-soma`,
    details: { shannons: amount, mostShannons: most },
  });
}

/** Whether the network cancelled it for congestion: it was charged and did nothing. */
function isCancelled({ status }: ReportedEffects): boolean {
  return status.kind === 'failure' && status.error.kind === 'executionCancelledDueToSharedObjectCongestion';
}

/** The reference of a coin, without its balance. */
export function refOfCoin({ objectId, version, digest }: ObjectRef): ObjectRef {
  return { objectId, version, digest };
}
