import { fork } from 'node:child_process';
import { once } from 'node:events';
import { processEntry } from '../src/devnet/soma/entry-point.js';
import { QuarryError } from '../src/errors/index.js';
import { breathe } from './breathe.js';
import { LOAD_CASES, type LoadCase, type LoadResult } from './load-cases.js';
import type { BenchOptions } from './result.js';

export interface LoadOptions extends BenchOptions {
  /** Which cases. Default all. */
  readonly cases?: readonly LoadCase[] | undefined;
}

/** What a process of one case tells: its results, and what went wrong. */
export type ToldByCase = { readonly result: LoadResult } | { readonly failure: string };

/**
 * A miner, or a client, under far more load than a day brings: how late it is and how much memory it takes. Each case runs
 * in a process of its own, and its network in another, so that the peak is its own.
 */
export async function* run(options: LoadOptions = {}): AsyncIterable<LoadResult> {
  for (const name of options.cases ?? LOAD_CASES) {
    await breathe(options.signal);
    yield* await runCase(name, options);
  }
}

async function runCase(name: LoadCase, { quick = false, signal }: LoadOptions): Promise<LoadResult[]> {
  const { path, execArgv } = processEntry(new URL('./load-process.js', import.meta.url));
  const child = fork(path, [name, quick ? 'quick' : 'full'], { execArgv: [...execArgv] });
  const stop = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  const results: LoadResult[] = [];
  let failure = '';
  child.on('message', (told: ToldByCase) => {
    if ('result' in told) results.push(told.result);
    else failure = told.failure;
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  signal?.removeEventListener('abort', stop);
  await breathe(signal);
  if (code !== 0) throw new QuarryError('INTERNAL', `the load of "${name}" ended with ${code}${failure}`);
  return results;
}
