import type { Digest } from '../../soma/chain/digest.js';
import type { ExecutedTransaction } from './ledger/ledger.js';
import { ObjectStore } from './ledger/object-store.js';

/**
 * What the fullnode's reads show: the ledger as it was some time ago. A fullnode answers an execution before it has
 * executed the transaction itself, and knows its results a moment later, with its checkpoint at the latest.
 */
export class VisibleState {
  readonly objects = new ObjectStore();
  /** Executed, not shown yet; oldest first. */
  #hidden: ExecutedTransaction[] = [];
  readonly #lagMs: number;
  readonly #sleep: (ms: number) => Promise<void>;

  /** @param lagMs from execution until reads show it, in milliseconds; 0 shows it at once */
  constructor(genesis: ExecutedTransaction, lagMs: number, sleep: (ms: number) => Promise<void>) {
    this.objects.commit(genesis);
    this.#lagMs = lagMs;
    this.#sleep = sleep;
  }

  /** Takes in a transaction that was executed just now. */
  append(executed: ExecutedTransaction): void {
    this.#hidden.push(executed);
    if (this.#lagMs <= 0) this.showAll();
    else void this.#sleep(this.#lagMs).then(() => this.#showUpTo(executed));
  }

  /** Whether reads do not know this transaction yet. */
  hides(digest: Digest): boolean {
    return this.#hidden.some((each) => each.digest === digest);
  }

  /** Shows everything executed so far. */
  showAll(): void {
    for (const each of this.#hidden.splice(0)) this.objects.commit(each);
  }

  #showUpTo(executed: ExecutedTransaction): void {
    const index = this.#hidden.indexOf(executed);
    for (const each of this.#hidden.splice(0, index + 1)) this.objects.commit(each);
  }
}
