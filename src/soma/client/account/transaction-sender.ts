import { QuarryError, toQuarryError } from '../../../errors/index.js';
import { backoffDelayMs } from '../../../net/index.js';
import {
  type ObjectId,
  type ReportedEffects,
  type Signer,
  signTransaction,
  type TransactionData,
  type TransactionKindName,
  totalFee,
} from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { assertSucceeded } from '../decode/execution-error.js';
import type { SystemParameters } from '../decode/system-state.js';
import { executeTransaction, type TransactionResult } from '../execute/execute-transaction.js';
import { findResult } from '../execute/find-result.js';
import { waitForCheckpoint } from '../execute/wait-for-checkpoint.js';
import type { OwnedCoin } from '../read/list-coins.js';
import type { CheckpointTicket, CheckpointWaiter } from '../watch/checkpoint-waiter.js';
import { type AcquireOptions, type CoinLease, CoinPool } from './coin-pool.js';
import { MIN_COIN_SHANNONS, planSplit, SPLITTABLE_SHANNONS } from './coin-split.js';
import { RecentParameters } from './recent-parameters.js';
import type { AccountOptions, SendOptions } from './send-options.js';
import { assertWithin, defaultMaxBond, defaultMaxFee } from './spending-limits.js';
import { balancesAfter, type Plan, planToTransaction } from './transaction-plan.js';

const ATTEMPTS = 6;
/** Delays before a cancelled transaction is replaced. */
const CANCELLED_BACKOFF = { baseMs: 200, maxMs: 2_000 } as const;
/** More than a claim creates, so that the number of coins decreases. */
const MERGED_PER_TRANSACTION = 4;
/** Free coins kept per transaction in flight; the excess is merged into later transactions. */
const SPARE_COINS = 4;
const MAX_SPARE_COINS = 64;

/** Builds, signs and sends the transactions of one signer with the coins of its pool. */
export class TransactionSender {
  readonly signer: Signer;
  readonly pool: CoinPool;
  protected readonly client: ClientContext;
  readonly #hub: CheckpointWaiter;
  readonly #parameters: RecentParameters;
  #options: AccountOptions;
  #splitting: Promise<void> | undefined;
  #closed = false;
  #fees = 0n;

  constructor(client: ClientContext, hub: CheckpointWaiter, signer: Signer, options: AccountOptions) {
    this.client = client;
    this.#hub = hub;
    this.signer = signer;
    this.#options = options;
    this.pool = new CoinPool(client, signer.address);
    this.#parameters = new RecentParameters(client);
  }

  /** Changes the number of concurrent transactions and the size of their coins. */
  configure(options: AccountOptions): void {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#options = { ...this.#options, ...Object.fromEntries(given) };
  }

  get address(): string {
    return this.pool.owner;
  }

  /** Total fees of this account's transactions, including coin splits and failures. */
  get feesShannons(): bigint {
    return this.#fees;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The parameters that determine fees and bonds, read again in the background once they are a minute old. */
  parameters(): Promise<SystemParameters> {
    return this.#parameters.read();
  }

  /**
   * The fee of a transaction, in shannons: see `totalFee`.
   *
   * @throws QuarryError `FAILED_PRECONDITION` when it exceeds the limit, as a node's parameters are not trusted blindly
   */
  protected async fee(kind: TransactionKindName, value: bigint, objectsWritten: number): Promise<bigint> {
    const fee = totalFee(kind, value, objectsWritten, await this.parameters());
    assertWithin('fee', fee, this.#options.maxFeeShannons ?? defaultMaxFee(kind, value, objectsWritten));
    return fee;
  }

  /** Stops waiting for coins; transactions in flight are not affected. */
  close(): void {
    this.#closed = true;
    this.pool.close();
  }

  /**
   * Builds an unsigned transaction with coins of the pool, without reserving them: for signing elsewhere and for
   * simulation.
   */
  protected async planned(plan: Plan, signal?: AbortSignal): Promise<TransactionData> {
    const lease = await this.pool.acquire({ amount: await this.#needed(plan), signal });
    this.pool.release(lease);
    return planToTransaction(plan, lease, this.address);
  }

  /**
   * Sends a transaction with free coins. Coins that turn out to be locked or stale are quarantined and others are
   * tried.
   *
   * @throws ExecutionError when it executes and fails
   * @throws QuarryError `INSUFFICIENT_FUNDS` when all coins together do not suffice
   * @throws QuarryError `OUTCOME_UNKNOWN` when its outcome cannot be determined
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

  /** @throws QuarryError `FAILED_PRECONDITION` when a submission's bond exceeds the limit */
  protected assertBond(bond: bigint, sizeBytes: bigint | number): void {
    assertWithin('bond', bond, this.#options.maxBondShannons ?? defaultMaxBond(sizeBytes));
  }

  get #parallel(): number {
    return this.#options.parallel ?? 1;
  }

  /** Which additional coins to merge. */
  #tidying({ inRace = false }: Plan): Pick<AcquireOptions, 'merge' | 'dustShannons' | 'keep'> {
    if (this.#parallel <= 1) return {};
    const keep = Math.min(this.#parallel * SPARE_COINS, this.#parallel + MAX_SPARE_COINS);
    return {
      merge: MERGED_PER_TRANSACTION,
      dustShannons: inRace ? 0n : MIN_COIN_SHANNONS,
      keep: inRace ? 2 * keep : keep,
    };
  }

  async #needed(plan: Plan): Promise<bigint> {
    // One more object than planned: a replacement target, or the remainder of a coin.
    const needed = plan.spends + (await this.fee(plan.kind, plan.value ?? plan.spends, plan.writes + 1));
    return plan.atLeast !== undefined && plan.atLeast > needed ? plan.atLeast : needed;
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
      const signed = await signTransaction(planToTransaction(plan, lease, this.address), this.signer);
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
    // Before waiting for the checkpoint: the coins are usable as soon as their new versions are known.
    this.pool.settle([lease, ...(plan.others ?? [])], result.effects, balancesAfter(plan, lease, result));
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
   * The ledger's record of a transaction reported as cancelled. It is replaced only if the record confirms that: if two
   * took effect, both would pay.
   *
   * @throws QuarryError `OUTCOME_UNKNOWN` when the node does not return it
   */
  async #asRecorded(cancelled: TransactionResult, signal: AbortSignal | undefined): Promise<TransactionResult> {
    const { digest } = cancelled;
    const found = await findResult(this.client, digest, { signal });
    if (found !== undefined) return found;
    throw new QuarryError('OUTCOME_UNKNOWN', `transaction ${digest} was reported cancelled, but cannot be found`, {
      hint: 'look it up by its digest before sending another',
      details: { digest },
    });
  }

  /** Releases or quarantines the coins of a failed attempt. Returns whether other coins may succeed. */
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

  /** Splits coins in the background; waits for that only if no free coin holds `amount`. */
  async #splitWhereNeeded(amount: bigint, signal: AbortSignal | undefined): Promise<void> {
    if (this.#parallel <= 1) return;
    await this.pool.ready(signal);
    if (this.pool.countAtLeast(MIN_COIN_SHANNONS) >= this.#parallel && this.#splitting === undefined) return;
    this.#splitting ??= this.#split(signal).finally(() => {
      this.#splitting = undefined;
    });
    // The coin to split is reserved by now.
    if (!this.pool.hasFree(amount)) return this.#splitting;
    // A waiting caller gets the error; a submission that has its coin does not fail because of it.
    this.#splitting.catch(() => {});
  }

  async #split(signal: AbortSignal | undefined): Promise<void> {
    const missing = this.#parallel - this.pool.countAtLeast(MIN_COIN_SHANNONS);
    const planOver = (coins: readonly OwnedCoin[]) =>
      planSplit(coins, missing, this.address, this.#options.coinShannons);
    let split = planOver(this.pool.free());
    // Reserve it synchronously, so that the next search for a free coin cannot take it.
    let lease = split === undefined ? undefined : this.pool.reserveNow(split.coinId);
    if (lease === undefined && this.#mustWaitToSplit(missing)) {
      lease = await this.pool.acquire({ amount: SPLITTABLE_SHANNONS, patient: true, signal });
      split = planOver(lease.coins);
    }
    if (lease === undefined) return;
    if (split === undefined) this.pool.release(lease);
    else await this.#attempt(split.plan, lease, { wait: false, signal }, 1);
  }

  /**
   * Whether a split waits for a coin in use: transactions that follow one another without end over a few coins would never
   * leave one free.
   */
  #mustWaitToSplit(missing: number): boolean {
    return 2 * missing > this.#parallel && this.pool.countAtLeast(SPLITTABLE_SHANNONS) > 0;
  }
}

/** Whether the network cancelled it for congestion: charged, but without effect. */
function isCancelled({ status }: ReportedEffects): boolean {
  return status.kind === 'failure' && status.error.kind === 'executionCancelledDueToSharedObjectCongestion';
}
