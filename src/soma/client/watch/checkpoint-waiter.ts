import type { Digest } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { watchCheckpoints } from './watch-checkpoints.js';

/** A registered wait for the checkpoint of a transaction. */
export interface CheckpointTicket {
  /** Resolves with the sequence number. Never rejects, as callers also poll. */
  readonly checkpoint: Promise<bigint>;
  /** Stops waiting; the promise then stays pending. */
  cancel(): void;
}

/** How long the subscription stays open after its last waiter, so that a burst of transactions shares one. */
const LINGER_MS = 10_000;

/**
 * Reports which checkpoint contains a transaction. All waiters share one subscription, opened for the first and closed
 * some time after the last.
 */
export class CheckpointWaiter {
  readonly #client: ClientContext;
  readonly #lingerMs: number;
  readonly #waiters = new Map<Digest, Set<(checkpoint: bigint) => void>>();
  #abort: AbortController | undefined;
  #linger: NodeJS.Timeout | undefined;
  #closed = false;
  #live = false;

  constructor(client: ClientContext, options: { readonly lingerMs?: number | undefined } = {}) {
    this.#client = client;
    this.#lingerMs = options.lingerMs ?? LINGER_MS;
  }

  /** Whether the node has accepted the subscription, so that transactions executed from now on will be seen. */
  get live(): boolean {
    return this.#live;
  }

  /** Starts watching for a transaction. Call it before executing. */
  watch(digest: Digest): CheckpointTicket {
    let settle: (checkpoint: bigint) => void = () => {};
    const checkpoint = new Promise<bigint>((resolve) => {
      settle = resolve;
    });
    const waiters = this.#waiters.get(digest) ?? new Set();
    this.#waiters.set(digest, waiters.add(settle));
    this.#start();
    return {
      checkpoint,
      cancel: () => {
        waiters.delete(settle);
        if (waiters.size === 0 && this.#waiters.get(digest) === waiters) this.#waiters.delete(digest);
        this.#lingerWhenIdle();
      },
    };
  }

  /** Ends the subscription; pending promises stay pending. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#linger);
    this.#abort?.abort();
  }

  #start(): void {
    clearTimeout(this.#linger);
    if (this.#abort !== undefined || this.#closed) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#follow(abort.signal)
      // The node has no subscriptions, or the client was closed: waiters poll.
      .catch(() => {})
      .finally(() => {
        if (this.#abort === abort) {
          this.#abort = undefined;
          this.#live = false;
        }
      });
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const checkpoints = watchCheckpoints(this.#client, {
      readMask: ['transactions.digest'],
      signal,
      onConnected: () => {
        this.#live = true;
      },
      onReconnect: () => {
        this.#live = false;
      },
    });
    for await (const checkpoint of checkpoints) {
      for (const { digest } of checkpoint.transactions) {
        const waiters = digest === undefined ? undefined : this.#waiters.get(digest);
        if (digest === undefined || waiters === undefined) continue;
        this.#waiters.delete(digest);
        for (const settle of waiters) settle(checkpoint.sequenceNumber);
      }
      this.#lingerWhenIdle();
    }
  }

  #lingerWhenIdle(): void {
    if (this.#waiters.size > 0 || this.#abort === undefined) return;
    clearTimeout(this.#linger);
    const abort = this.#abort;
    this.#linger = setTimeout(() => {
      if (this.#waiters.size > 0 || this.#abort !== abort) return;
      this.#abort = undefined;
      this.#live = false;
      abort.abort();
    }, this.#lingerMs);
    this.#linger.unref();
  }
}
