import type { SignedTransaction } from '../../chain/index.js';
import type { CallOptions } from '../context.js';
import type { TransactionResult } from '../execute/execute-transaction.js';

/** How an account sends transactions: concurrency and cost limits, in shannons. */
export interface AccountOptions {
  /** Transactions that can be in flight at once: coins are split until there are enough. Default 1. */
  readonly parallel?: number | undefined;
  /** What each of those coins shall hold, in shannons. Default 0.1 SOMA, or less when there is not enough. */
  readonly coinShannons?: bigint | undefined;
  /** Maximum fee of one transaction, in shannons. Default: ten times the protocol's fee. */
  readonly maxFeeShannons?: bigint | undefined;
  /** Maximum bond of one submission, in shannons. Default: ten times the protocol's bond. */
  readonly maxBondShannons?: bigint | undefined;
}

/** Options for sending one transaction. */
export interface SendOptions extends CallOptions {
  /** False returns once it is final, without waiting for its checkpoint. Default true. */
  readonly wait?: boolean | undefined;
  /** Maximum wait for the checkpoint. Default 30 s. */
  readonly waitMs?: number | undefined;
  /**
   * Called with the signed transaction before it is sent, so that its digest can be recorded. Another transaction is
   * signed only if the previous one was rejected because of its coins, which costs nothing, or after `onSuperseded`.
   */
  readonly onSigned?: ((signed: SignedTransaction) => void | Promise<void>) | undefined;
  /**
   * Called with a transaction that the network executed, charged and cancelled for congestion, before a replacement is
   * signed. The result of the call includes only the last one's fee.
   */
  readonly onSuperseded?: ((cancelled: TransactionResult) => void | Promise<void>) | undefined;
}

/** The fields of a kind without the send options. */
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
