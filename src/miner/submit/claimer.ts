import PQueue from 'p-queue';
import { throwIfAborted, toQuarryError } from '../../errors/index.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { JournalClaim } from '../journal/claim-records.js';
import type { Journal } from '../journal/journal.js';
import { type ClaimOutcome, type ClaimTargetDeps, claimTarget } from './claim-target.js';
import { quarantineSignedCoins } from './quarantine-signed-coins.js';

export interface ClaimerOptions {
  /** Also claim expired targets, for the incentive paid for returning them. */
  readonly claimExpired: boolean;
  readonly maxInFlight: number;
}

export interface ClaimerDeps extends Omit<ClaimTargetDeps, 'untilCheckpoint'> {
  readonly client: ClaimTargetDeps['client'] & Pick<SomaClient, 'listAllTargets'>;
  /** Called with the outcome of each claim. */
  readonly onOutcome: (outcome: ClaimOutcome) => void;
}

/** Claims read from the journal ahead of those in flight. */
const MAX_WAITING = 16;

/** Claims in flight at once. A claim spends most of its time waiting for the node. */
const MAX_CLAIMS = 16;

/** Claims rewards once their audit window is over. */
export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #deps: ClaimerDeps;
  /** Epoch in which the node's list was last read. Targets become claimable only at the start of an epoch. */
  #listedIn: bigint | undefined;

  constructor(options: ClaimerOptions, deps: ClaimerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Claims everything due in `epoch`: first the claims in the journal, then targets that the node lists for this
   * address and the journal does not know, because it was lost or another machine submitted them.
   *
   * @param untilCheckpoint see {@link ClaimTargetDeps}
   */
  async claimDue(epoch: bigint, signal: AbortSignal, untilCheckpoint = true): Promise<void> {
    const { claims } = this.#deps.journal;
    await this.#claimAll(claims.due(epoch), epoch, untilCheckpoint, signal);
    const noted = await this.noteDue(epoch, signal);
    await this.#claimAll(claimsOf(noted, claims), epoch, untilCheckpoint, signal);
  }

  /** Claims the given targets without checking that they are due. */
  async claimTargets(targetIds: readonly string[], epoch: bigint, signal: AbortSignal): Promise<void> {
    const { client, account, journal } = this.#deps;
    const claims: JournalClaim[] = [];
    for (const id of targetIds) {
      const target = await client.getTarget(id, { signal });
      journal.claims.note(id, epoch, target.submitter === account.address);
      const claim = journal.claims.find(id);
      if (claim !== undefined) claims.push(claim);
    }
    await this.#claimAll(claims, epoch, true, signal);
  }

  /** Journals the claims that the node lists as due in `epoch`, once per epoch; returns the new target ids. */
  async noteDue(epoch: bigint, signal: AbortSignal): Promise<string[]> {
    const { client, account, journal } = this.#deps;
    const noted: string[] = [];
    if (this.#listedIn === epoch) return noted;
    for await (const { id } of client.listAllTargets({ status: 'claimable', submitter: account.address, signal })) {
      if (journal.claims.note(id, epoch, true)) noted.push(id);
    }
    if (this.#options.claimExpired) {
      for await (const { id } of client.listAllTargets({ status: 'expired', signal })) {
        if (journal.claims.note(id, epoch, false)) noted.push(id);
      }
    }
    this.#listedIn = epoch;
    return noted;
  }

  async #claimAll(
    claims: Iterable<JournalClaim>,
    epoch: bigint,
    untilCheckpoint: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { onOutcome } = this.#deps;
    const deps = { ...this.#deps, untilCheckpoint };
    await quarantineSignedCoins(this.#deps, signal);
    // Leave half of the coins for submissions, which may come at any moment.
    const queue = new PQueue({
      concurrency: Math.max(1, Math.min(MAX_CLAIMS, Math.floor(this.#options.maxInFlight / 2))),
    });
    for (const claim of claims) {
      // Bounds memory, however many are due.
      await queue.onSizeLessThan(MAX_WAITING);
      if (signal.aborted) break;
      void queue.add(async () => {
        if (signal.aborted) return;
        await claimTarget(claim, epoch, deps, signal).then(onOutcome, (error: unknown) => {
          const failure = toQuarryError(error, `claiming ${claim.targetId}`);
          if (failure.code !== 'ABORTED') onOutcome({ kind: 'failed', targetId: claim.targetId, error: failure });
        });
      });
    }
    await queue.onIdle();
    throwIfAborted(signal, 'claiming');
  }
}

/** Looks up claims lazily, to bound memory. */
function* claimsOf(targetIds: readonly string[], claims: Journal['claims']): Generator<JournalClaim, void, void> {
  for (const id of targetIds) {
    const claim = claims.find(id);
    if (claim !== undefined) yield claim;
  }
}
