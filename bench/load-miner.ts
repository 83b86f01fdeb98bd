import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { weightsIdentity } from '../src/weights/index.js';
import { type BurstRace, startBurstRace, untilEvent } from './burst-race.js';
import { fillStore } from './burst-store.js';
import type { Measured } from './load-cases.js';
import { median } from './quantile.js';
import type { RaceAnswer } from './race-clock.js';
import { RACE_CONFIG, type RaceModels } from './race-network.js';

/** Scored samples in the store. */
const ROWS = 1_000;
/** Bursts before the one that is measured: the runtime compiles. */
const WARM_UP_ROUNDS = 2;
/** No row hits. */
const FAR = 1e-6;

interface MinerCase {
  readonly dir: string;
  readonly models: RaceModels;
  /** Targets of an epoch, which open in one checkpoint. */
  readonly targets: number;
}

/** A whole epoch's targets open at once, and the store has an answer for none: how soon the miner knows them all. */
export async function measureOpenTargets(of: MinerCase): Promise<Measured> {
  const race = await startRace(of, FAR);
  try {
    const { miner } = race.assembled;
    const allKnown = async (): Promise<void> => {
      while (miner.summary().openTargets < of.targets) await sleep(1);
    };
    await allKnown();
    const begun = once(miner.events, 'epoch');
    const askedAt = performance.now();
    await race.nextEpoch();
    // Targets of the previous epoch are dropped only now, and those of this one may be known already.
    await begun;
    await allKnown();
    const lastMs = performance.now() - askedAt;
    const measured = 'from asking the network for an epoch, which makes them, until all are known';
    return { case: `${count(of.targets)} open targets, ${count(ROWS)} rows`, p50Ms: null, lastMs, measured };
  } finally {
    await race.close();
  }
}

/** An epoch's targets open in one checkpoint, and the store answers all. */
export async function measureHits(of: MinerCase & { readonly threshold: number }): Promise<Measured> {
  const { targets, threshold } = of;
  const race = await startRace(of, threshold);
  try {
    await answered(race, targets);
    for (let round = 0; round < WARM_UP_ROUNDS; round++) await nextBurst(race, targets);
    const times = await nextBurst(race, targets);
    const name =
      threshold < 2 ? 'targets in one checkpoint' : `targets, each hit by all of ${count(ROWS)} rows at once`;
    return { case: `${count(targets)} ${name}`, ...times };
  } finally {
    await race.close();
  }
}

/** Bursts of targets without and with as many claims due at that moment: those must wait. */
export async function* measureClaims(of: MinerCase): AsyncIterable<Measured> {
  const { targets } = of;
  const race = await startRace(of, 0.5);
  try {
    await answered(race, targets);
    const alone = await nextBurst(race, targets);
    // Two epochs after the first targets were filled, their rewards are due.
    const beside = await nextBurst(race, targets);
    yield { case: `${count(targets)} targets in one checkpoint, no claim due`, ...alone };
    yield { case: `${count(targets)} targets in one checkpoint, ${count(targets)} claims due`, ...beside };
  } finally {
    await race.close();
  }
}

async function startRace({ dir, models, targets }: MinerCase, threshold: number): Promise<BurstRace> {
  const stateDir = join(dir, 'state');
  await fillStore({
    dir: join(stateDir, 'store'),
    rows: ROWS,
    embeddingDim: RACE_CONFIG.embeddingDim,
    sampleBytes: RACE_CONFIG.sequenceLength,
    models: models.genesis.map(({ manifest, decryptionKey }) => ({
      architecture: 'v1',
      checksum: weightsIdentity({ checksum: Buffer.from(manifest.checksum).toString('hex'), decryptionKey }),
    })),
  });
  // As many hits as targets: none is replaced within its epoch.
  const network = { initialDistanceThreshold: threshold, targetsPerEpoch: targets, hitsPerEpoch: targets };
  return startBurstRace(models, stateDir, network);
}

async function answered(race: BurstRace, goal: number): Promise<void> {
  await untilEvent(race, 'outcome', () => race.clock.accepted >= goal, undefined);
}

async function nextBurst(race: BurstRace, targets: number): Promise<Pick<Measured, 'p50Ms' | 'lastMs' | 'measured'>> {
  const goal = race.clock.accepted + targets;
  await race.nextEpoch();
  await answered(race, goal);
  const times = newest(race.clock.answers()).map(({ arrivedAt, wireAt }) => wireAt - arrivedAt);
  times.sort((a, b) => a - b);
  const measured = 'from the checkpoint to the submission on the wire';
  return { p50Ms: median(times) || 0, lastMs: times.at(-1) ?? 0, measured };
}

/** Those of the newest checkpoint that brought any. */
function newest(answers: readonly RaceAnswer[]): RaceAnswer[] {
  const last = answers.reduce((latest, { arrivedAt }) => Math.max(latest, arrivedAt), 0);
  return answers.filter(({ arrivedAt }) => arrivedAt === last);
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
