import { QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import { type Backoff, DEFAULT_BACKOFF } from '../backoff.js';
import { type RetryDeps, retryDelayMs } from '../retry.js';
import { sleep } from '../sleep.js';
import { type BodyLimits, isStrongEtag, openRange, type RangeAnswer, type RangeRequest } from './open-range.js';

/** How a stream is read. */
export interface StreamOptions extends BodyLimits {
  /** Interruptions in a row that are bridged. Default 4. */
  readonly maxInterruptions?: number | undefined;
  readonly backoff?: Backoff | undefined;
}

/** A file that is read while it comes. */
export interface ResumingStream extends Pick<RangeAnswer, 'url' | 'headers' | 'total'> {
  readonly body: AsyncGenerator<Uint8Array, void, void>;
  /** Lets go of the connection, however far the body was read. */
  discard(): Promise<void>;
}

/**
 * Opens a file for reading from its first byte. When the connection breaks and a strong ETag names the version, the
 * rest is asked for and the reader sees one unbroken stream; otherwise the failure is the reader's.
 *
 * @throws QuarryError as {@link openRange}; the body fails with the interruption that could not be bridged
 */
export async function openStream(
  request: Omit<RangeRequest, 'offset' | 'etag'>,
  options: StreamOptions = {},
  deps: RetryDeps = {},
): Promise<ResumingStream> {
  const first = await openRange({ ...request, offset: 0 }, options);
  const { url, headers, total } = first;
  const body = bodyOf(first, request, options, deps);
  const discard = async (): Promise<void> => {
    await body.return();
    // A body that was never read has not closed it.
    await first.discard();
  };
  return { url, headers, total, body, discard };
}

async function* bodyOf(
  first: RangeAnswer,
  request: Omit<RangeRequest, 'offset' | 'etag'>,
  options: StreamOptions,
  deps: RetryDeps,
): AsyncGenerator<Uint8Array, void, void> {
  const { maxInterruptions = 4, backoff = DEFAULT_BACKOFF, signal } = options;
  const { etag, total } = first;
  let answer: RangeAnswer | undefined = first;
  let received = 0;
  for (let failures = 0; ; ) {
    const before = received;
    try {
      answer ??= await openRange({ ...request, offset: received, etag }, options);
      if (received > 0 && (answer.start !== received || answer.etag !== etag)) throw changed(request.url);
      for await (const chunk of answer.body) {
        received += chunk.byteLength;
        yield chunk;
      }
      if (total === undefined || received >= total) return;
      throw new QuarryError('UNREACHABLE', 'the server closed the connection early', { details: { received, total } });
    } catch (error) {
      const failure = toQuarryError(error, 'reading a download');
      throwIfAborted(signal, 'reading a download');
      failures = received > before ? 1 : failures + 1;
      if (!failure.retryable || !isStrongEtag(etag) || failures > maxInterruptions) throw failure;
      await (deps.sleep ?? sleep)(retryDelayMs(failure, failures - 1, backoff, deps), signal);
    } finally {
      await answer?.discard();
      answer = undefined;
    }
  }
}

/** Not retryable: the reader already has bytes of the version before. */
function changed(url: string): QuarryError {
  return new QuarryError('PROTOCOL', 'the file changed while it was read', { details: { host: new URL(url).host } });
}
