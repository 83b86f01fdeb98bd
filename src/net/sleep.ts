import { setTimeout as delay } from 'node:timers/promises';
import { QuarryError } from '../errors/index.js';

/** Waits `ms` milliseconds. The timer does not keep the process alive by itself once the signal has fired. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** @throws QuarryError `ABORTED` when the signal fires first */
export const sleep: Sleep = async (ms, signal) => {
  try {
    await delay(ms, undefined, { signal });
  } catch (cause) {
    throw new QuarryError('ABORTED', 'waiting was interrupted', { cause });
  }
};
