import PQueue from 'p-queue';
import { throwIfAborted, toQuarryError } from '../../errors/index.js';
import { sleep } from '../../http/index.js';
import { decodeSignedTransaction, encodeSignedTransaction } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import { childSignal } from '../../soma/client/child-signal.js';
import { ExecutionError } from '../../soma/client/decode/execution-error.js';
import type { TransactionResult } from '../../soma/client/execute/execute-transaction.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { JournalClaim } from '../journal/claim-records.js';
import type { Journal } from '../journal/journal.js';
import type { MinerEmitter } from '../run/events.js';
import type { MinerStats } from '../run/stats.js';
import { notFoundAsUndefined } from './outcome.js';

export interface ClaimerOptions {
  /** Also return expired targets for their incentive. */
  readonly claimExpired: boolean;
  readonly maxInFlight: number;
}

export interface ClaimerDeps {
  readonly client: SomaClient;
  readonly account: SomaAccount;
  readonly journal: Journal;
  readonly stats: MinerStats;
  readonly emitter: MinerEmitter;
  /** Resolves when no submission waits or is in flight. */
  readonly submissionsDone: () => Promise<void>;
}

/** Failures after which there is nothing left to claim. */
const GONE_KINDS: ReadonlySet<string> = new Set(['targetNotFound', 'targetAlreadyClaimed', 'inputObjectDeleted']);

/** Claims taken from the journal ahead of those in flight. */
const MAX_WAITING = 16;

/** How long a claim gives way to submissions at most: they may never end. */
const GIVE_WAY_MS = 10_000;

/** Claims rewards once their audit window is over, and nothing else is in the way of them. */
export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #deps: ClaimerDeps;
  /** The epoch whose list was read: targets become claimable only when one begins. */
  #listedIn: bigint | undefined;

  constructor(options: ClaimerOptions, deps: ClaimerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Claims everything due in `epoch`. Targets this address filled and the journal does not know, because it was lost or
   * another machine submitted them, are asked of the node first.
   */
  async claimDue(epoch: bigint, signal: AbortSignal): Promise<void> {
    const { client, account, journal, emitter } = this.#deps;
    if (this.#listedIn !== epoch) {
      for await (const target of client.listAllTargets({ status: 'claimable', submitter: account.address, signal })) {
        journal.claims.note(target.id, epoch, true);
      }
      if (this.#options.claimExpired) {
        for await (const target of client.listAllTargets({ status: 'expired', signal })) {
          journal.claims.note(target.id, epoch, false);
        }
      }
      this.#listedIn = epoch;
    }
    // Half of the coins stay with submissions that may come at any moment.
    const queue = new PQueue({ concurrency: Math.max(1, Math.floor(this.#options.maxInFlight / 2)) });
    for (const claim of journal.claims.due(epoch)) {
      // However many are due, only a few wait in memory.
      await queue.onSizeLessThan(MAX_WAITING);
      if (signal.aborted) break;
      void queue.add(async () => {
        await this.#giveWay(signal);
        if (signal.aborted) return;
        await this.#claim(claim, signal).catch((error: unknown) => {
          const failure = toQuarryError(error, `claiming ${claim.targetId}`);
          if (failure.code !== 'ABORTED') emitter.emit('warning', { error: failure });
        });
      });
    }
    await queue.onIdle();
    throwIfAborted(signal, 'claiming');
  }

  /** A claim can be made all epoch long, a submission only until somebody else has made it. */
  async #giveWay(signal: AbortSignal): Promise<void> {
    const wait = childSignal(signal);
    const longest = sleep(GIVE_WAY_MS, wait.signal).catch(() => undefined);
    await Promise.race([this.#deps.submissionsDone(), longest]);
    wait.close();
  }

  async #claim(claim: JournalClaim, signal: AbortSignal): Promise<void> {
    const { client, account, journal } = this.#deps;
    const earlier = await this.#earlierResult(claim, signal);
    if (earlier !== undefined) return this.#settle(claim, earlier, signal);
    // A claimed target is deleted: when it is gone, somebody returned it before us.
    const target = await client.getTarget(claim.targetId, { signal }).catch(notFoundAsUndefined);
    if (target === undefined) return journal.claims.settle(claim.targetId, 'gone');
    const sending = account.claimRewards({
      targetId: claim.targetId,
      rewardShannons: target.rewardPoolShannons,
      // Waits for the checkpoint: nobody is in a race here, and a balance read afterwards must have it.
      signal,
      onSigned: (signed) => journal.claims.record(claim.targetId, signed.digest, encodeSignedTransaction(signed)),
    });
    const result = await sending.catch((error: unknown) => {
      if (!(error instanceof ExecutionError)) throw error;
      journal.claims.settle(claim.targetId, GONE_KINDS.has(error.kind) ? 'gone' : 'waiting');
    });
    if (result !== undefined) await this.#settle(claim, result, signal);
  }

  /** What became of a claim that was sent earlier; `undefined` when it did not bring the reward and never will. */
  async #earlierResult(claim: JournalClaim, signal: AbortSignal): Promise<TransactionResult | undefined> {
    if (claim.state !== 'built' || claim.signed === undefined) return undefined;
    const recovery = await this.#deps.client.recoverTransaction(decodeSignedTransaction(claim.signed), { signal });
    if (recovery.kind === 'unknown') throw recovery.reason;
    if (recovery.kind === 'impossible') return undefined;
    const { result } = recovery;
    this.#deps.stats.resentFeesShannons += result.effects.fee.totalFee;
    return result.effects.status.kind === 'success' ? result : undefined;
  }

  async #settle(claim: JournalClaim, result: TransactionResult, signal: AbortSignal): Promise<void> {
    const { client, account, journal, stats, emitter } = this.#deps;
    const { fee } = result.effects;
    const receivedShannons = (await client.balanceChange(result, account.address, { signal })) + fee.totalFee;
    const bondShannons = journal.submissions.bondOf(claim.targetId);
    journal.claims.settle(claim.targetId, 'claimed', { receivedShannons, feeShannons: fee.totalFee });
    stats.claimed++;
    stats.claimedShannons += receivedShannons;
    stats.rewardShannons += receivedShannons > bondShannons ? receivedShannons - bondShannons : receivedShannons;
    emitter.emit('claimed', { targetId: claim.targetId, receivedShannons, own: claim.own });
  }
}
