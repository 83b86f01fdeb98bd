import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { processEntry } from '../src/devnet/soma/entry-point.js';
import type { DevnetOptions } from '../src/devnet/soma/index.js';
import { QuarryError } from '../src/errors/index.js';
import { Keypair } from '../src/soma/chain/index.js';
import { openStore } from '../src/store/index.js';
import { breathe } from './breathe.js';
import { letterSamples } from './letter-samples.js';
import { hostRaceModels, RACE_CONFIG, type RaceModels, startRaceNetwork } from './race-network.js';
import { type PlayerOptions, type PlayerResult, type RaceResult, raceResult } from './race-report.js';
import type { BenchOptions } from './result.js';

/** Options of the race. */
export interface RaceOptions extends BenchOptions {
  /** Length of a race. Default 30; `quick` takes 5. */
  readonly seconds?: number | undefined;
  /** Length of the races that compare what a scored sample is worth. Default 450; `quick` takes 15. */
  readonly longSeconds?: number | undefined;
  /** Sizes of the store. Default 1,000, 10,000 and 100,000; `quick` takes 1,000 alone. */
  readonly rows?: readonly number[] | undefined;
}

/**
 * One random pair in fifty hits, and an epoch ends before most of its open targets are out of reach: the embeddings of
 * small models leave some directions empty. An epoch begins with as many targets as the protocol says.
 */
const TARGETS: DevnetOptions = { initialDistanceThreshold: 0.5, epochMs: 3_000 };
/** Longest time to score the rows that every player begins with. */
const SCORING_MS = 600_000;
const COPIED_AT_ONCE = 2_000;

/** A player that waits for its start. */
interface ReadyPlayer {
  play(): Promise<PlayerResult>;
}

async function player(options: PlayerOptions, signal: AbortSignal | undefined): Promise<ReadyPlayer> {
  const { path, execArgv } = processEntry(new URL('./race-player.js', import.meta.url));
  const child = spawn(process.execPath, [...execArgv, path, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    signal,
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new QuarryError('INTERNAL', `the ${options.policyOf} player ended early`);
    return value as string;
  };
  child.on('error', () => {});
  await next();
  return {
    async play() {
      child.stdin.write('go\n');
      return JSON.parse(await next()) as PlayerResult;
    },
  };
}

/**
 * The race for targets on a network that spawns one for every one that is filled: this miner and the public quickstart's
 * policy, each alone and both together, each in a process of its own with one scoring thread. All rows are scored for
 * real, and all that is submitted is honest.
 */
export async function* run(options: RaceOptions = {}): AsyncIterable<RaceResult> {
  const { signal, quick = false } = options;
  const seconds = options.seconds ?? (quick ? 5 : 30);
  const longSeconds = options.longSeconds ?? (quick ? 15 : 450);
  const sizes = [...(options.rows ?? (quick ? [1_000] : [1_000, 10_000, 100_000]))].sort((a, b) => a - b);
  const [fewest, most] = [sizes[0]!, sizes.at(-1)!];
  const dir = await mkdtemp(join(tmpdir(), 'quarry-race-'));
  const models = await hostRaceModels(dir);
  try {
    const data = join(dir, 'data.bin');
    const samples = letterSamples(most, RACE_CONFIG.sequenceLength, 1);
    await writeFile(data, samples);
    const track = new Track({ dir, models, data, signal });
    const master = await track.scoreOnce(most);
    const stateOf = (rows: number): Promise<string> => withFirstRows(dir, master, rows);
    /** Plays alone with the first `rows` samples, all scored before, and no others. */
    const alone = async (rows: number, length: number, targets: DevnetOptions = TARGETS): Promise<PlayerResult> => {
      const own = join(dir, `data-${rows}.bin`);
      await writeFile(own, samples.subarray(0, rows * RACE_CONFIG.sequenceLength));
      const [result] = await track.race([{ policyOf: 'quarry', data: own, dir: await stateOf(rows) }], length, targets);
      return result!;
    };
    for (const rows of sizes) {
      const race = { scoredBefore: rows, rows, seconds };
      yield raceResult(`quarry alone, ${rows} rows`, await alone(rows, seconds), race);
      // A checkpoint's targets wait for one another; a single one shows how long an answer takes.
      const single = { ...TARGETS, targetsPerEpoch: 1 };
      const paced = await alone(rows, seconds, single);
      yield raceResult(`quarry alone, ${rows} rows, one target at a time`, paced, race);
    }
    const long = { scoredBefore: fewest, rows: fewest, seconds: longSeconds };
    yield raceResult(`quarry alone, ${fewest} rows, ${longSeconds} s`, await alone(fewest, longSeconds), long);
    const [quickstart] = await track.race([{ policyOf: 'quickstart' }], seconds);
    yield raceResult('quickstart alone', quickstart!, { rows: 0, scoredBefore: 0, seconds });
    const both = await track.race(
      [{ policyOf: 'quarry', dir: await stateOf(fewest) }, { policyOf: 'quickstart' }],
      seconds,
    );
    yield* pair('together', both, fewest, seconds);
    // Starting empty: every row must be scored during the race, by one thread each.
    const fresh = join(dir, 'fresh.bin');
    await writeFile(fresh, letterSamples(seconds * 5_000, RACE_CONFIG.sequenceLength, 2));
    const even = await track.race([{ policyOf: 'quarry', data: fresh }, { policyOf: 'quickstart' }], seconds);
    yield* pair('together from nothing', even, 0, seconds);
    yield* trained({ dir, data, signal }, fewest, seconds);
  } finally {
    await models.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The same race on models whose embeddings are spread as trained models' are. */
async function* trained(
  track: Omit<TrackOptions, 'models'>,
  rows: number,
  seconds: number,
): AsyncGenerator<RaceResult> {
  const dir = join(track.dir, 'trained');
  await mkdir(dir);
  const models = await hostRaceModels(dir, 'trained');
  try {
    const own = new Track({ ...track, dir, models });
    const state = await own.scoreOnce(rows);
    const data = join(dir, 'data.bin');
    await writeFile(data, letterSamples(rows, RACE_CONFIG.sequenceLength, 1));
    const [result] = await own.race([{ policyOf: 'quarry', data, dir: state }], seconds);
    yield raceResult(`quarry alone, ${rows} rows, trained spectrum`, result!, { rows, scoredBefore: rows, seconds });
    const [quickstart] = await own.race([{ policyOf: 'quickstart' }], seconds);
    yield raceResult('quickstart alone, trained spectrum', quickstart!, { rows: 0, scoredBefore: 0, seconds });
  } finally {
    await models.close();
  }
}

function* pair(name: string, results: readonly PlayerResult[], rows: number, seconds: number): Generator<RaceResult> {
  const [ours, theirs] = [results[0]!, results[1]!];
  yield raceResult(`quarry, ${name}`, ours, { rows, scoredBefore: rows, seconds, rival: theirs });
  yield raceResult(`quickstart, ${name}`, theirs, { rows: 0, scoredBefore: 0, seconds, rival: ours });
}

interface TrackOptions {
  readonly dir: string;
  readonly models: RaceModels;
  readonly data: string;
  readonly signal: AbortSignal | undefined;
}

/** Runs players against networks of their own. */
class Track {
  readonly #options: TrackOptions;
  #races = 0;

  constructor(options: TrackOptions) {
    this.#options = options;
  }

  /** A state directory whose store holds `count` scored samples. */
  async scoreOnce(count: number): Promise<string> {
    const dir = join(this.#options.dir, 'scored');
    const scoring = { policyOf: 'quarry', dir, untilSamples: count, workers: availableParallelism() } as const;
    const [{ samples }] = (await this.race([scoring], SCORING_MS / 1000, {})) as [PlayerResult];
    if (samples < count) throw new QuarryError('INTERNAL', `scored ${samples} samples of ${count}`);
    return dir;
  }

  /** Lets players race on a new network, from the same moment on. */
  async race(
    players: readonly (Partial<PlayerOptions> & Pick<PlayerOptions, 'policyOf'>)[],
    seconds: number,
    options: DevnetOptions = TARGETS,
  ): Promise<PlayerResult[]> {
    const { dir, models, data, signal } = this.#options;
    const durationMs = seconds * 1000;
    await breathe(signal);
    const race = this.#races++;
    const keys = players.map(() => {
      const secret = randomBytes(32);
      return { secret: secret.toString('hex'), key: Keypair.fromSecret(secret) };
    });
    const network = await startRaceNetwork(
      models,
      keys.map(({ key }) => key),
      options,
    );
    try {
      const ready = await Promise.all(
        players.map((own, n) => {
          const shared = { rpcUrl: network.rpcUrl, secret: keys[n]!.secret, data, durationMs };
          return player({ ...shared, dir: join(dir, `race-${race}-${n}`), ...own }, signal);
        }),
      );
      return await Promise.all(ready.map((each) => each.play()));
    } finally {
      await network.close();
    }
  }
}

/** A copy of a state directory whose store holds the first `rows` samples only, with their scores. */
async function withFirstRows(dir: string, master: string, rows: number): Promise<string> {
  const state = await mkdtemp(join(dir, 'state-'));
  await cp(master, state, { recursive: true, filter: (path) => path !== join(master, 'store') });
  const { embeddingDim } = RACE_CONFIG;
  const from = await openStore({ dir: join(master, 'store'), embeddingDim, readonly: true });
  const to = await openStore({ dir: join(state, 'store'), embeddingDim, durability: 'process' });
  try {
    for (let first = 0; first < rows; first += COPIED_AT_ONCE) {
      const ids = Array.from({ length: Math.min(COPIED_AT_ONCE, rows - first) }, (_, n) => first + n);
      const appended = await to.appendSamples(ids.map((id) => from.sample(id)));
      for (const model of from.models) {
        const scores = ids.map((id, n) => ({ ...from.score(id, model)!, sampleId: appended[n]!.id }));
        await to.appendScores(model, scores);
      }
    }
  } finally {
    await from.close();
    await to.close();
  }
  return state;
}
