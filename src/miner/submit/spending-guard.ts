import { LatestMap } from '../../collections/latest-map.js';
import { QuarryError } from '../../errors/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import { defaultMaxBond } from '../../soma/client/account/spending-limits.js';
import type { Target } from '../../soma/client/decode/target.js';
import type { Candidate } from '../match/candidate.js';
import type { MinerEmitter } from '../run/events.js';
import type { SubmissionLimits } from './submission-limits.js';

export interface SpendingGuardOptions {
  /** Largest bond of one submission. */
  readonly maxBondShannons?: bigint | undefined;
  /** Targets with a smaller reward are skipped. */
  readonly minRewardShannons?: bigint | undefined;
  /** A submission starts only if its bond leaves at least this balance. */
  readonly minBalanceShannons?: bigint | undefined;
}

export interface SpendingGuardDeps {
  readonly account: Pick<SomaAccount, 'pool'>;
  readonly emitter: Pick<MinerEmitter, 'emit'>;
  readonly limits: () => SubmissionLimits;
}

/** `too large`: a smaller sample could still be submitted. `withheld`: the reward or the balance is too small. */
export type Verdict = 'allowed' | 'too large' | 'withheld';

/** Decides whether a submission's bond may be spent. */
export class SpendingGuard {
  readonly #options: SpendingGuardOptions;
  readonly #deps: SpendingGuardDeps;
  /** Amount that the last unaffordable submission needed; nothing starts until the balance reaches it. */
  #lacksShannons: bigint | undefined;
  /** Amount needed as of the last `low` event; `undefined` once the balance has reached it. */
  #toldShannons: bigint | undefined;
  /** Limits already warned about. */
  readonly #toldLimits = new LatestMap<string, true>(16);
  /** Bonds of submissions that are queued or in flight. */
  #reservedShannons = 0n;

  constructor(options: SpendingGuardOptions, deps: SpendingGuardDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Maximum bytes of a submission, by protocol limit and largest bond. */
  get affordableBytes(): number {
    const { maxBytes, bondPerByte } = this.#deps.limits();
    const { maxBondShannons } = this.#options;
    if (maxBondShannons === undefined || bondPerByte === 0n) return maxBytes;
    return Math.min(maxBytes, Number(maxBondShannons / bondPerByte));
  }

  /** Whether submissions are held back for lack of funds. */
  get isPoor(): boolean {
    const isPoor = this.#lacksShannons !== undefined && this.#deps.account.pool.totalShannons < this.#lacksShannons;
    if (!isPoor) this.#lacksShannons = undefined;
    return isPoor;
  }

  /** The bond for a sample of this size, shannons. */
  bondOf(sizeBytes: number): bigint {
    return BigInt(sizeBytes) * this.#deps.limits().bondPerByte;
  }

  /** Whether a target's reward reaches the minimum. */
  isWorth({ rewardPoolShannons }: Pick<Target, 'rewardPoolShannons'>): boolean {
    return rewardPoolShannons >= (this.#options.minRewardShannons ?? 0n);
  }

  judge({ open: { target }, sizeBytes }: Candidate): Verdict {
    const { maxBondShannons, minBalanceShannons } = this.#options;
    if (!this.isWorth(target)) return 'withheld';
    const bond = this.bondOf(sizeBytes);
    if (minBalanceShannons !== undefined) {
      const left = this.#deps.account.pool.totalShannons - this.#reservedShannons - bond;
      if (left < minBalanceShannons) {
        this.#tell(minBalanceShannons + bond);
        return 'withheld';
      }
    }
    const { maxBytes, bondPerByte } = this.#deps.limits();
    if (sizeBytes > maxBytes) {
      this.#tellTooLarge(`the network accepts at most ${maxBytes} bytes`);
      return 'too large';
    }
    if (bond > (maxBondShannons ?? defaultMaxBond(sizeBytes))) {
      this.#tellTooLarge(`at ${bondPerByte} shannons a byte its bond exceeds the limit`);
      return 'too large';
    }
    return 'allowed';
  }

  /** Warns once per limit: without it a miner that skips every hit would be silent. */
  #tellTooLarge(limit: string): void {
    if (this.#toldLimits.has(limit)) return;
    this.#toldLimits.set(limit, true);
    const error = new QuarryError('FAILED_PRECONDITION', `a hit is skipped because of its size: ${limit}`, {
      hint: 'cut smaller samples with --sample-bytes, or allow larger bonds with --max-bond-soma',
    });
    this.#deps.emitter.emit('warning', { error });
  }

  /** Reserves a bond. Call the returned function once it is paid or no longer needed. */
  reserve(bondShannons: bigint): () => void {
    this.#reservedShannons += bondShannons;
    return () => {
      this.#reservedShannons -= bondShannons;
    };
  }

  /** Records the amount needed when a submission failed with `INSUFFICIENT_FUNDS`; ignores other errors. */
  noteLack({ code, details }: QuarryError): void {
    const { requiredShannons } = details;
    if (code !== 'INSUFFICIENT_FUNDS' || typeof requiredShannons !== 'bigint') return;
    this.#lacksShannons = requiredShannons;
    this.#tell(requiredShannons);
  }

  /** Refreshes the coins if funds were lacking; returns whether submissions can continue. */
  async refunded(signal: AbortSignal): Promise<boolean> {
    const needed = this.#toldShannons;
    if (!this.isPoor && needed === undefined) return false;
    const { account, emitter } = this.#deps;
    await account.pool.refresh(signal);
    const { totalShannons } = account.pool;
    if (needed !== undefined && totalShannons >= needed) {
      this.#toldShannons = undefined;
      emitter.emit('balance', { state: 'restored', balanceShannons: totalShannons, neededShannons: needed });
    }
    return !this.isPoor;
  }

  /** Emits `low` once if the balance is below the amount needed; bonds only reserved still count as balance. */
  #tell(neededShannons: bigint): void {
    const { totalShannons } = this.#deps.account.pool;
    if (this.#toldShannons !== undefined || totalShannons >= neededShannons) return;
    this.#toldShannons = neededShannons;
    this.#deps.emitter.emit('balance', { state: 'low', balanceShannons: totalShannons, neededShannons });
  }
}
