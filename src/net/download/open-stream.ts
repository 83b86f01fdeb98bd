import { QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import { type Backoff, DEFAULT_BACKOFF } from '../backoff.js';
import { type RetryDeps, retryDelayMs } from '../retry.js';
import { sleep } from '../sleep.js';
import { type BodyLimits, isStrongEtag, openRange, type RangeAnswer, type RangeRequest } from './open-range.js';

/** Options of {@link openStream}. */
export interface StreamOptions extends BodyLimits {
  /** Consecutive interruptions survived. Default 4. */
  readonly maxInterruptions?: number | undefined;
  readonly backoff?: Backoff | undefined;
}

/** A file being streamed. */
export interface ResumingStream extends Pick<RangeAnswer, 'url' | 'headers' | 'total'> {
  readonly body: AsyncGenerator<Uint8Array, void, void>;
  /** Releases the connection, even if the body was not read to the end. */
  discard(): Promise<void>;
}

/**
 * Streams a file from its first byte. If the connection breaks and the version has a strong ETag, requests the rest and
 * continues the stream; otherwise the reader gets the error.
 *
 * @throws QuarryError as {@link openRange}; the body fails with the interruption if it cannot be resumed
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
    // A body that was never iterated has not closed the connection.
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

/** Not retryable: the reader already has bytes of the previous version. */
function changed(url: string): QuarryError {
  return new QuarryError('PROTOCOL', 'the file changed while it was read', { details: { host: new URL(url).host } });
}
