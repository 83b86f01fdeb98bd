import type { Digest } from '../../src/soma/chain/index.js';

/** What the network does to a transaction for longer than one call, or one life of the miner that sent it. */
export class TransactionFates {
  /** When the copy that was held up on the way arrives, virtual milliseconds; 0 for a transaction that is not held up. */
  readonly heldUntil = new Map<Digest, number>();
  /** Executed transactions. */
  readonly executed = new Set<Digest>();
  /** Faults played so far. */
  readonly played = { held: 0, echo: 0, outOfReach: 0 };
  /** What a miner sent that it should not have. */
  readonly faults: string[] = [];

  /** When the last copy arrives, virtual milliseconds. */
  get lastArrivalMs(): number {
    return Math.max(0, ...this.heldUntil.values());
  }
}
