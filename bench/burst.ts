import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { QuarryError } from '../src/errors/index.js';
import { weightsIdentity } from '../src/weights/index.js';
import { breathe } from './breathe.js';
import { startBurstRace, untilEvent } from './burst-race.js';
import { fillStore } from './burst-store.js';
import { mainThreadMs } from './main-thread.js';
import { median } from './quantile.js';
import type { RaceAnswer } from './race-clock.js';
import { hostRaceModels, RACE_CONFIG, type RaceModels } from './race-network.js';
import type { BenchOptions } from './result.js';

/** One line of the bench. */
export interface BurstResult {
  readonly bench: 'burst';
  readonly case: string;
  /** Scored samples in the store. */
  readonly rows: number;
  /** Targets that open in one checkpoint. */
  readonly targets: number;
  /** From the arrival of the checkpoint to the submission on the wire: the median target, and the last one. */
  readonly p50Ms: number | null;
  readonly lastMs: number | null;
  /** Processor time of the miner's main thread from the checkpoint to the last answer, per submission. */
  readonly mainThreadMsPerSubmission: number;
  /** Accepted submissions a second while a new target opens whenever one is filled. */
  readonly submissionsPerSecond?: number;
}

export interface BurstOptions extends BenchOptions {
  /** Sizes of the store. Default 1,000 and 100,000; `quick` takes 1,000 alone. */
  readonly rows?: readonly number[];
  /** Targets of one checkpoint. Default 1, 20 and 100. */
  readonly targets?: readonly number[];
  /** Whether to also time targets that open whenever one is filled. Default true. */
  readonly sustained?: boolean;
}

/** Bursts of each case; the figures are medians of them. */
const ROUNDS = 5;
/** Bursts before those that count: a miner runs for weeks, and the runtime compiles during the first dozen. */
const WARM_UP_ROUNDS = 12;
/** One random pair in fifty hits: every target is hit within a few hundred rows. */
const THRESHOLD = { initialDistanceThreshold: 0.5 } as const;
/** Open targets of the sustained case: the network seals a checkpoint every 200 ms, and none of them may be the limit. */
const SUSTAINED_TARGETS = 500;
/** Accepted submissions before those that count, for the same reason. */
const SUSTAINED_WARM_UP = 5_000;
const SUSTAINED_MS = 6_000;

/** Bursts of targets that open in one checkpoint, answered by a whole miner; the network is a process of its own. */
export async function* run(options: BurstOptions = {}): AsyncIterable<BurstResult> {
  const { signal, quick = false } = options;
  const dir = await mkdtemp(join(tmpdir(), 'quarry-burst-'));
  const models = await hostRaceModels(dir);
  try {
    for (const rows of options.rows ?? (quick ? [1_000] : [1_000, 100_000])) {
      const stateDir = join(dir, `state-${rows}`);
      await fillStore({
        dir: join(stateDir, 'store'),
        rows,
        embeddingDim: RACE_CONFIG.embeddingDim,
        sampleBytes: RACE_CONFIG.sequenceLength,
        models: models.genesis.map(({ manifest, decryptionKey }) => ({
          architecture: 'v1',
          checksum: weightsIdentity({ checksum: Buffer.from(manifest.checksum).toString('hex'), decryptionKey }),
        })),
      });
      for (const targets of options.targets ?? [1, 20, 100])
        yield await burst({ models, stateDir, rows, targets, signal });
      if (rows <= 1_000 && options.sustained !== false) yield await sustained({ models, stateDir, rows, signal });
    }
  } finally {
    await models.close();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Case {
  readonly models: RaceModels;
  readonly stateDir: string;
  readonly rows: number;
  readonly signal: AbortSignal | undefined;
}

async function burst({ models, stateDir, rows, targets, signal }: Case & { targets: number }): Promise<BurstResult> {
  // As many hits as targets: none is replaced within its epoch.
  const race = await startBurstRace(models, stateDir, {
    ...THRESHOLD,
    targetsPerEpoch: targets,
    hitsPerEpoch: targets,
  });
  try {
    const { clock } = race;
    // Those that were open before the miner came.
    await untilEvent(race, 'outcome', () => clock.accepted >= targets, signal);
    const rounds: { readonly p50: number; readonly last: number; readonly cpu: number }[] = [];
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      await breathe(signal);
      const goal = clock.accepted + targets;
      const before = mainThreadMs();
      await race.nextEpoch();
      await untilEvent(race, 'outcome', () => clock.accepted >= goal, signal);
      const cpu = (mainThreadMs() - before) / targets;
      const times = newest(clock.answers()).map(({ arrivedAt, wireAt }) => wireAt - arrivedAt);
      if (times.length !== targets) throw new QuarryError('INTERNAL', `${times.length} of ${targets} were timed`);
      rounds.push({ p50: median(times), last: Math.max(...times), cpu });
      // Claims of earlier epochs must not run into the next burst.
      const { journal, miner } = race.assembled;
      await untilEvent(race, 'claimed', () => !journal.claims.hasDue(miner.summary().epoch ?? 0n), signal);
    }
    const measured = rounds.slice(WARM_UP_ROUNDS);
    return {
      bench: 'burst',
      case: `${targets} target${targets > 1 ? 's' : ''} in one checkpoint, ${rows.toLocaleString('en-US')} rows`,
      rows,
      targets,
      p50Ms: median(measured.map(({ p50 }) => p50)),
      lastMs: median(measured.map(({ last }) => last)),
      mainThreadMsPerSubmission: median(measured.map(({ cpu }) => cpu)),
    };
  } finally {
    await race.close();
  }
}

async function sustained({ models, stateDir, rows, signal }: Case): Promise<BurstResult> {
  const targets = SUSTAINED_TARGETS;
  const race = await startBurstRace(models, stateDir, {
    ...THRESHOLD,
    targetsPerEpoch: targets,
    hitsPerEpoch: 1_000_000,
  });
  try {
    const { clock } = race;
    await untilEvent(race, 'outcome', () => clock.accepted >= SUSTAINED_WARM_UP, signal);
    const [began, cpu, accepted] = [performance.now(), mainThreadMs(), clock.accepted];
    await sleep(SUSTAINED_MS, undefined, { signal });
    const done = clock.accepted - accepted;
    const seconds = (performance.now() - began) / 1000;
    return {
      bench: 'burst',
      case: `sustained, ${targets} open targets, ${rows.toLocaleString('en-US')} rows`,
      rows,
      targets,
      p50Ms: null,
      lastMs: null,
      mainThreadMsPerSubmission: (mainThreadMs() - cpu) / done,
      submissionsPerSecond: done / seconds,
    };
  } finally {
    await race.close();
  }
}

/** Those of the newest checkpoint that brought any. */
function newest(answers: readonly RaceAnswer[]): RaceAnswer[] {
  const last = answers.reduce((latest, { arrivedAt }) => Math.max(latest, arrivedAt), 0);
  return answers.filter(({ arrivedAt }) => arrivedAt === last);
}
