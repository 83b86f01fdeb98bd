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
  /** Targets that pay less are left alone. */
  readonly minRewardShannons?: bigint | undefined;
  /** No submission starts while the balance is below. */
  readonly minBalanceShannons?: bigint | undefined;
}

export interface SpendingGuardDeps {
  readonly account: Pick<SomaAccount, 'pool'>;
  readonly emitter: Pick<MinerEmitter, 'emit'>;
  readonly limits: () => SubmissionLimits;
}

/** `too large`: another, smaller sample may still fit the target. `withheld`: the target, or the balance, is too small. */
export type Verdict = 'allowed' | 'too large' | 'withheld';

/** Decides whether a submission may be paid for. */
export class SpendingGuard {
  readonly #options: SpendingGuardOptions;
  readonly #deps: SpendingGuardDeps;
  /** What a submission needed that all coins together did not hold; none starts until they do. */
  #lacksShannons: bigint | undefined;
  /** What was missing when the owner was last told; `undefined` once it is there. */
  #toldShannons: bigint | undefined;
  /** Limits of which the owner was told. */
  readonly #toldLimits = new LatestMap<string, true>(16);
  /** Bonds of submissions that are queued or in flight. */
  #reservedShannons = 0n;

  constructor(options: SpendingGuardOptions, deps: SpendingGuardDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Bytes that a submission may have, by the protocol's limit and the largest bond. */
  get affordableBytes(): number {
    const { maxBytes, bondPerByte } = this.#deps.limits();
    const { maxBondShannons } = this.#options;
    if (maxBondShannons === undefined || bondPerByte === 0n) return maxBytes;
    return Math.min(maxBytes, Number(maxBondShannons / bondPerByte));
  }

  /** Whether submissions wait for money. */
  get isPoor(): boolean {
    const isPoor = this.#lacksShannons !== undefined && this.#deps.account.pool.totalShannons < this.#lacksShannons;
    if (!isPoor) this.#lacksShannons = undefined;
    return isPoor;
  }

  /** The bond of so many bytes, shannons. */
  bondOf(sizeBytes: number): bigint {
    return BigInt(sizeBytes) * this.#deps.limits().bondPerByte;
  }

  /** Whether a target pays enough. */
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

  /** Where every hit is left out, that is all there would be to see; once for each limit. */
  #tellTooLarge(limit: string): void {
    if (this.#toldLimits.has(limit)) return;
    this.#toldLimits.set(limit, true);
    const error = new QuarryError('FAILED_PRECONDITION', `a hit is skipped because of its size: ${limit}`, {
      hint: 'cut smaller samples with --sample-bytes, or allow larger bonds with --max-bond-soma',
    });
    this.#deps.emitter.emit('warning', { error });
  }

  /** Sets a bond aside; call the answer when it is paid or not needed any more. */
  reserve(bondShannons: bigint): () => void {
    this.#reservedShannons += bondShannons;
    return () => {
      this.#reservedShannons -= bondShannons;
    };
  }

  /** Remembers what was missing when a submission failed for want of money. */
  noteLack({ code, details }: QuarryError): void {
    const { requiredShannons } = details;
    if (code !== 'INSUFFICIENT_FUNDS' || typeof requiredShannons !== 'bigint') return;
    this.#lacksShannons = requiredShannons;
    this.#tell(requiredShannons);
  }

  /** Whether submissions may go on that were held back for want of money; reads the coins again. */
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

  /** Tells the owner once that money is missing; what is only reserved for submissions in flight is not. */
  #tell(neededShannons: bigint): void {
    const { totalShannons } = this.#deps.account.pool;
    if (this.#toldShannons !== undefined || totalShannons >= neededShannons) return;
    this.#toldShannons = neededShannons;
    this.#deps.emitter.emit('balance', { state: 'low', balanceShannons: totalShannons, neededShannons });
  }
}
