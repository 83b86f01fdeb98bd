import { QuarryError } from '../errors/index.js';

/**
 * Returns the result of `work`, or throws as soon as the caller's signal fires; `work` itself continues.
 *
 * @throws QuarryError `ABORTED` when the signal fires first
 */
export async function unlessAborted<T>(work: Promise<T>, doing: string, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new QuarryError('ABORTED', `${doing} was interrupted`, { cause: signal.reason }));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    if (signal.aborted) stop();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
