import { type ErrorCode, isAbort, type QuarryError, toQuarryError } from '../../errors/index.js';
import { type Backoff, backoffDelayMs, sleep } from '../../net/index.js';
import { OtherChainError } from '../../soma/client/transport/index.js';

/** Backoff after transient failures. */
export const AGAIN: Backoff = { baseMs: 500, maxMs: 30_000 };
/** Failures in a row, without success in between, after which a task has failed permanently. */
export const MAX_FAILURES = 20;

/**
 * Times in a row that a fullnode must answer for another chain than at the start before that is believed: a single answer
 * can be wrong. That takes about ten seconds.
 */
const MAX_OTHER_CHAIN = 6;

/** Errors that a node can cause. */
const OF_NODES: ReadonlySet<ErrorCode> = new Set([
  'UNREACHABLE',
  'TLS',
  'TIMEOUT',
  'PROTOCOL',
  'CONFIG_INVALID',
  'INVALID_ARGUMENT',
  'UNSUPPORTED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'FAILED_PRECONDITION',
  'RATE_LIMITED',
  'OVERLOADED',
  'REMOTE_FAILURE',
  'REMOTE_REJECTED',
  'CONFLICT',
  'BCS_INVALID',
  'DATA_TOO_LARGE',
]);

/** How {@link supervise} handles failures. */
export interface FailureHandling {
  /** Called with every failure that is retried after a pause. */
  readonly onFailure: (failure: QuarryError) => void;
  /** Tries to remove the cause of a failure; returns whether it did, in which case the retry is immediate. */
  readonly mend: (failure: QuarryError) => Promise<boolean>;
  /**
   * Retry failures that a node can cause without limit, unless it keeps answering for another chain; set after a
   * successful start.
   */
  readonly outlivesNodes?: boolean | undefined;
}

/**
 * Runs `body` until aborted, restarting it after transient failures.
 *
 * @param doing description of the work, for error messages
 * @param body calls its argument whenever it makes progress, which resets the count of failures
 * @throws QuarryError a permanent failure, or the last of too many in a row
 */
export async function supervise(
  doing: string,
  body: (succeeded: () => void) => Promise<void>,
  { onFailure, mend, outlivesNodes = false }: FailureHandling,
  signal: AbortSignal,
): Promise<void> {
  let otherChain = 0;
  for (let failures = 0; !signal.aborted; ) {
    try {
      return await body(() => {
        failures = 0;
        otherChain = 0;
      });
    } catch (error) {
      if (isAbort(error)) throw error;
      const failure = toQuarryError(error, doing);
      if (await mend(failure)) continue;
      failures++;
      otherChain = failure instanceof OtherChainError ? otherChain + 1 : 0;
      const mayPass = failure.retryable && failure.code !== 'DISK_FULL' && failures <= MAX_FAILURES;
      const isOutlived = outlivesNodes && OF_NODES.has(failure.code) && otherChain < MAX_OTHER_CHAIN;
      if (!mayPass && !isOutlived) throw failure;
      onFailure(failure);
      await sleep(backoffDelayMs(failures - 1, AGAIN, Math.random), signal);
    }
  }
}
