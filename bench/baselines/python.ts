import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { peerProcess, type Skipped } from './peer-process.js';

/** A job of `python_peers.py`; the rest of the fields are those of what it does. */
export interface PythonJob {
  readonly do: 'forward' | 'gemm' | 'distance';
  readonly threads: number;
  readonly repeats: number;
  /** The largest error that counts as right. */
  readonly tolerance: number;
}

/** Runs one job in Python. @param python interpreter, by default `python3` */
export function pythonPeer<T extends object>(
  python: string | undefined,
  job: PythonJob & Record<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<T | Skipped> {
  // Beside this file in the sources, and from the folder above dist where it is built.
  const here = fileURLToPath(new URL('./python_peers.py', import.meta.url));
  const script = existsSync(here)
    ? here
    : fileURLToPath(new URL('../../../bench/baselines/python_peers.py', import.meta.url));
  if (!existsSync(script)) return Promise.resolve({ skipped: 'this package is installed without bench/baselines' });
  return peerProcess([python ?? 'python3', '-B', script], job, signal);
}
