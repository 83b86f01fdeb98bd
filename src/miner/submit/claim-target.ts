import { type QuarryError, toQuarryError } from '../../errors/index.js';
import { decodeSignedTransaction, encodeSignedTransaction } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import { ExecutionError } from '../../soma/client/decode/execution-error.js';
import type { TransactionResult } from '../../soma/client/execute/execute-transaction.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { JournalClaim } from '../journal/claim-records.js';
import type { Journal } from '../journal/journal.js';
import { notFoundAsUndefined } from './outcome.js';

/** Outcome of one claim. */
export type ClaimOutcome =
  | {
      readonly kind: 'claimed';
      readonly targetId: string;
      readonly digest: string;
      /** Amount received, before the fee. */
      readonly receivedShannons: bigint;
      /** `receivedShannons` less the returned bond. */
      readonly rewardShannons: bigint;
      readonly feeShannons: bigint;
      /** True if we filled the target, false if it expired. */
      readonly own: boolean;
    }
  /** Nothing is left to claim, for example because another address returned the expired target. */
  | { readonly kind: 'gone'; readonly targetId: string }
  /** The claim failed and is still to be made. */
  | { readonly kind: 'failed'; readonly targetId: string; readonly error: QuarryError };

export interface ClaimTargetDeps {
  readonly client: Pick<SomaClient, 'getTarget' | 'recoverTransaction' | 'balanceChange'>;
  readonly account: Pick<SomaAccount, 'address' | 'claimRewards' | 'pool'>;
  readonly journal: Pick<Journal, 'claims' | 'submissions'>;
  /** Resolves when a claim may use coins. Not awaited when only an earlier transaction is looked up. */
  readonly maySpend: (signal: AbortSignal) => Promise<void>;
  /**
   * Whether to wait for the claim's checkpoint, so that a balance read afterwards includes it; else only until final.
   */
  readonly untilCheckpoint: boolean;
  /** Called once with the fee of an executed transaction that an earlier run signed, whether it succeeded or not. */
  readonly onResentFee?: ((feeShannons: bigint) => void) | undefined;
}

/** Execution failures which mean that nothing is left to claim. */
const GONE_KINDS: ReadonlySet<string> = new Set(['targetNotFound', 'targetAlreadyClaimed', 'inputObjectDeleted']);

/**
 * Claims one target's reward. Journals the transaction before sending it; a claim sent earlier is looked up first.
 *
 * @param epoch current epoch; a claim that fails in execution is retried in the next one
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function claimTarget(
  claim: JournalClaim,
  epoch: bigint,
  deps: ClaimTargetDeps,
  signal: AbortSignal,
): Promise<ClaimOutcome> {
  const { targetId } = claim;
  try {
    const earlier = await earlierResult(claim, deps, signal);
    if (earlier !== undefined) {
      const outcome = await book(claim, earlier, deps, signal);
      deps.onResentFee?.(earlier.effects.fee.totalFee);
      return outcome;
    }
    const result = await send(claim, deps, signal);
    return result === undefined ? gone(targetId, deps) : await book(claim, result, deps, signal);
  } catch (caught) {
    if (caught instanceof ExecutionError) {
      const { totalFee } = caught.effects.fee;
      if (GONE_KINDS.has(caught.kind)) return gone(targetId, deps, totalFee);
      // An immediate retry would pay the fee again.
      deps.journal.claims.postpone(targetId, epoch + 1n, totalFee);
    }
    const error = toQuarryError(caught, `claiming ${targetId}`);
    if (error.code === 'ABORTED') throw error;
    return { kind: 'failed', targetId, error };
  }
}

function gone(targetId: string, { journal }: ClaimTargetDeps, feeShannons?: bigint): ClaimOutcome {
  journal.claims.recordOutcome(targetId, 'gone', { feeShannons });
  return { kind: 'gone', targetId };
}

/** Sends the claim; `undefined` if the target no longer exists: claiming deletes it. */
async function send(
  { targetId }: JournalClaim,
  { client, account, journal, maySpend, untilCheckpoint }: ClaimTargetDeps,
  signal: AbortSignal,
): Promise<TransactionResult | undefined> {
  const target = await client.getTarget(targetId, { signal }).catch(notFoundAsUndefined);
  if (target === undefined) return undefined;
  await maySpend(signal);
  return account.claimRewards({
    targetId,
    rewardShannons: target.rewardPoolShannons,
    wait: untilCheckpoint,
    signal,
    onSigned: (signed) => journal.claims.record(targetId, signed.digest, encodeSignedTransaction(signed)),
    onSuperseded: ({ effects }) => journal.claims.spend(targetId, effects.fee.totalFee),
  });
}

/** Result of a claim that was sent earlier; `undefined` if it failed or can no longer be executed. */
async function earlierResult(
  { targetId, state, signed }: JournalClaim,
  { client, account, journal, onResentFee }: ClaimTargetDeps,
  signal: AbortSignal,
): Promise<TransactionResult | undefined> {
  if (state !== 'built' || signed === undefined) return undefined;
  const transaction = decodeSignedTransaction(signed);
  const recovery = await client.recoverTransaction(transaction, { signal });
  if (recovery.kind === 'unknown') throw recovery.reason;
  account.pool.resolveNamed(transaction.data.gasPayment, recovery.kind === 'executed');
  if (recovery.kind === 'impossible') return undefined;
  const { effects } = recovery.result;
  if (effects.status.kind === 'success') return recovery.result;
  // Journal the fee now, so that it is not looked up and counted again.
  journal.claims.spend(targetId, effects.fee.totalFee);
  onResentFee?.(effects.fee.totalFee);
  return undefined;
}

async function book(
  { targetId, own }: JournalClaim,
  result: TransactionResult,
  { client, account, journal }: ClaimTargetDeps,
  signal: AbortSignal,
): Promise<ClaimOutcome> {
  const feeShannons = result.effects.fee.totalFee;
  const receivedShannons = (await client.balanceChange(result, account.address, { signal })) + feeShannons;
  const bond = journal.submissions.bondOf(targetId);
  journal.claims.recordOutcome(targetId, 'claimed', { receivedShannons, feeShannons });
  const rewardShannons = receivedShannons > bond ? receivedShannons - bond : receivedShannons;
  const { digest } = result;
  return { kind: 'claimed', targetId, digest, receivedShannons, rewardShannons, feeShannons, own };
}
