import { type ErrorCode, isAbort, type QuarryError, toQuarryError } from '../../errors/index.js';
import { type Backoff, backoffDelayMs, sleep } from '../../http/index.js';

/** Between two attempts of something that failed for a transient reason. */
export const AGAIN: Backoff = { baseMs: 500, maxMs: 30_000 };
/** What fails so often in a row, without a success in between, has failed for good. */
export const MAX_FAILURES = 20;

/** What a node can bring about by its answers or its silence. */
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

/** What happens to failures. */
export interface FailureHandling {
  /** Called with every failure that is tried again after a pause. */
  readonly onFailure: (failure: QuarryError) => void;
  /** Removes the cause of a failure where it can; then it is tried again at once. */
  readonly mend: (failure: QuarryError) => Promise<boolean>;
  /** After a good start: what a node can bring about is never final, however often it happens. */
  readonly outlivesNodes?: boolean | undefined;
}

/**
 * Runs `body` until aborted, restarting it after transient failures.
 *
 * @param doing what it is, for the error
 * @param body calls its argument whenever it got somewhere: failures are counted from there
 * @throws QuarryError the failure that will not pass, or the last of too many in a row
 */
export async function supervise(
  doing: string,
  body: (succeeded: () => void) => Promise<void>,
  { onFailure, mend, outlivesNodes = false }: FailureHandling,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      return await body(() => {
        failures = 0;
      });
    } catch (error) {
      if (isAbort(error)) throw error;
      const failure = toQuarryError(error, doing);
      if (await mend(failure)) continue;
      failures++;
      const mayPass = failure.retryable && failure.code !== 'DISK_FULL' && failures <= MAX_FAILURES;
      if (!mayPass && !(outlivesNodes && OF_NODES.has(failure.code))) throw failure;
      onFailure(failure);
      await sleep(backoffDelayMs(failures - 1, AGAIN, Math.random), signal);
    }
  }
}
