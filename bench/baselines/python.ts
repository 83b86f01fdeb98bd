import { peerProcess, type Skipped } from './peer-process.js';
import { NO_SCRIPT, pythonScript } from './python-script.js';

/** A job of `python_peers.py`; its other fields depend on the kind of job. */
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
  const script = pythonScript('python_peers.py');
  if (script === undefined) return Promise.resolve({ skipped: NO_SCRIPT });
  return peerProcess([python ?? 'python3', '-B', script], job, signal);
}
