import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureClients } from './load-clients.js';
import { measureClaims, measureHits, measureOpenTargets } from './load-miner.js';
import { run as outage } from './outage.js';
import { hostRaceModels } from './race-network.js';

/** One line of the load bench. */
export interface LoadResult {
  readonly bench: 'load';
  readonly case: string;
  /** Of the targets, clients or checkpoints of the case: the median and the last, milliseconds. What from is in `measured`. */
  readonly p50Ms: number | null;
  readonly lastMs: number;
  readonly measured: string;
  /** Most resident memory that the process of the case ever took, MiB; it holds no network. */
  readonly peakMiB: number;
}

/** What a case measures; memory is looked at when it is over. */
export type Measured = Omit<LoadResult, 'bench' | 'peakMiB'>;

export const LOAD_CASES = ['open targets', 'burst', 'hits', 'backlog', 'clients', 'claims'] as const;
export type LoadCase = (typeof LOAD_CASES)[number];

/** Runs one case in this process, which should have run no other. */
export async function* measureLoad(name: LoadCase, quick: boolean): AsyncIterable<LoadResult> {
  for await (const measured of casesOf(name, quick))
    yield { bench: 'load', ...measured, peakMiB: process.resourceUsage().maxRSS / 1024 };
}

async function* casesOf(name: LoadCase, quick: boolean): AsyncIterable<Measured> {
  if (name === 'backlog') {
    for await (const { case: text, value } of outage({ quick }))
      yield { case: text, p50Ms: null, lastMs: value ?? 0, measured: 'from the new stream' };
    return;
  }
  const dir = await mkdtemp(join(tmpdir(), 'quarry-load-'));
  const models = await hostRaceModels(dir);
  const at = { dir, models };
  try {
    if (name === 'open targets') yield await measureOpenTargets({ ...at, targets: quick ? 300 : 10_000 });
    if (name === 'burst') yield await measureHits({ ...at, targets: quick ? 10 : 200, threshold: 0.5 });
    // Any row hits any target.
    if (name === 'hits') yield await measureHits({ ...at, targets: quick ? 5 : 100, threshold: 2 });
    if (name === 'clients') yield* measureClients({ ...at, clients: quick ? 5 : 50 });
    if (name === 'claims') yield* measureClaims({ ...at, targets: quick ? 10 : 1_000 });
  } finally {
    await models.close();
    await rm(dir, { recursive: true, force: true });
  }
}
