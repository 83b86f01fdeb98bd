import type { Digest } from '../../soma/chain/digest.js';
import type { ExecutedTransaction } from './ledger/ledger.js';
import { ObjectStore } from './ledger/object-store.js';

/**
 * The state shown by the fullnode's reads, which lags behind the ledger. A fullnode answers an execution before it has
 * executed the transaction itself, and sees the results a moment later, at the latest with the checkpoint.
 */
export class VisibleState {
  readonly objects = new ObjectStore();
  /** Executed but not yet visible; oldest first. */
  #hidden: ExecutedTransaction[] = [];
  readonly #lagMs: number;
  readonly #sleep: (ms: number) => Promise<void>;

  /** @param lagMs delay between execution and visibility, milliseconds; 0 makes it visible immediately */
  constructor(genesis: ExecutedTransaction, lagMs: number, sleep: (ms: number) => Promise<void>) {
    this.objects.commit(genesis);
    this.#lagMs = lagMs;
    this.#sleep = sleep;
  }

  /** Adds a transaction that was just executed. */
  append(executed: ExecutedTransaction): void {
    this.#hidden.push(executed);
    if (this.#lagMs <= 0) this.showAll();
    else void this.#sleep(this.#lagMs).then(() => this.#showUpTo(executed));
  }

  /** Whether a transaction is not yet visible. */
  hides(digest: Digest): boolean {
    return this.#hidden.some((each) => each.digest === digest);
  }

  /** Makes everything executed so far visible. */
  showAll(): void {
    for (const each of this.#hidden.splice(0)) this.objects.commit(each);
  }

  #showUpTo(executed: ExecutedTransaction): void {
    const index = this.#hidden.indexOf(executed);
    for (const each of this.#hidden.splice(0, index + 1)) this.objects.commit(each);
  }
}
