import type { SignedTransaction } from '../../chain/index.js';
import type { CallOptions } from '../context.js';
import type { TransactionResult } from '../execute/execute-transaction.js';

/** How an account sends: how many at once, and what it may cost, in shannons. */
export interface AccountOptions {
  /** Transactions that shall be able to be in flight at once: coins are split until there are as many. Default 1. */
  readonly parallel?: number | undefined;
  /** What each of those coins shall hold, in shannons. Default 0.1 SOMA, or less when there is not enough. */
  readonly coinShannons?: bigint | undefined;
  /** Largest fee of one transaction, in shannons. Default: ten times the fee of the protocol. */
  readonly maxFeeShannons?: bigint | undefined;
  /** Largest bond of one submission, in shannons. Default: ten times the bond of the protocol. */
  readonly maxBondShannons?: bigint | undefined;
}

/** How to send one transaction. */
export interface SendOptions extends CallOptions {
  /** False returns as soon as it is final, without waiting for its checkpoint. Default true. */
  readonly wait?: boolean | undefined;
  /** Longest wait for the checkpoint. Default 30 s. */
  readonly waitMs?: number | undefined;
  /**
   * Called with the signed transaction before it leaves, so that its digest can be written down. Another signature follows only
   * when the one before was refused for its coins, which costs nothing, or after `onSuperseded`.
   */
  readonly onSigned?: ((signed: SignedTransaction) => void | Promise<void>) | undefined;
  /**
   * Called with a transaction that the network executed, charged and cancelled for congestion, before another is signed in its
   * place. The result of the call tells the fee of the last one only.
   */
  readonly onSuperseded?: ((cancelled: TransactionResult) => void | Promise<void>) | undefined;
}

/** The fields of a kind, without what steers the sending. */
export function withoutSendOptions<T extends SendOptions>(options: T): Omit<T, keyof SendOptions> {
  const {
    signal: _signal,
    timeoutMs: _timeout,
    wait: _wait,
    waitMs: _waitMs,
    onSigned: _onSigned,
    onSuperseded: _onSuperseded,
    ...fields
  } = options;
  return fields;
}
