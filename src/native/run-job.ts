import { type ErrorCode, QuarryError } from '../errors/index.js';
import type { NativeJob } from './addon.js';

/** Maps the core's error codes (`native/core/error.h`, `native/binding/napi_value.h`) to ours. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  IO: 'FILE_UNREADABLE',
  DISK_FULL: 'DISK_FULL',
  WEIGHTS: 'WEIGHTS_INVALID',
  ARGUMENT: 'INVALID_ARGUMENT',
  ABORTED: 'ABORTED',
  OUT_OF_MEMORY: 'ENGINE_FAILED',
  FAILED: 'ENGINE_FAILED',
};

/**
 * Awaits a native job, aborting it when `signal` fires.
 *
 * @param doing description of the work, which starts error messages
 * @throws QuarryError `ABORTED` when the signal fires
 * @throws QuarryError `FILE_UNREADABLE`, `DISK_FULL`, `WEIGHTS_INVALID`, `INVALID_ARGUMENT` or `ENGINE_FAILED`, as the
 *   core reports
 */
export async function runJob<T>(job: NativeJob<T>, doing: string, signal?: AbortSignal): Promise<T> {
  const abort = (): void => job.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await job.promise;
  } catch (error) {
    throw coreFailure(error, doing);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Converts an error thrown by the core. */
export function coreFailure(error: unknown, doing: string): QuarryError {
  const code = CODES[String((error as { code?: unknown | undefined }).code)] ?? 'ENGINE_FAILED';
  const detail = error instanceof Error ? error.message : String(error);
  return new QuarryError(code, code === 'ABORTED' ? `${doing} was interrupted` : `${doing} failed: ${detail}`, {
    cause: error,
  });
}
