import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { processEntry } from '../src/devnet/entry-point.js';
import type { DevnetOptions } from '../src/devnet/index.js';
import { QuarryError } from '../src/errors/index.js';
import { Keypair } from '../src/soma/chain/index.js';
import { openStore } from '../src/store/index.js';
import { hostRaceModels, RACE_CONFIG, type RaceModels, startRaceNetwork } from './race-network.js';
import { type PlayerOptions, type PlayerResult, type RaceResult, raceResult } from './race-report.js';
import type { BenchOptions } from './result.js';
import { variedBytes } from './varied-bytes.js';

/** Options of the race. */
export interface RaceOptions extends BenchOptions {
  /** Length of each race. Default 30; `quick` takes 5. */
  readonly seconds?: number;
  /** Rows scored for real, which answer every target. Default 1,000; `quick` takes 200. */
  readonly scored?: number;
  /** Sizes of the store. Default 1,000, 10,000 and 100,000; `quick` takes the scored rows alone. */
  readonly rows?: readonly number[];
}

const FILLER_BATCH = 2_000;
/** Longest time to score the rows that everybody begins with. */
const SCORING_MS = 180_000;

/** A player that waits for its start. */
interface ReadyPlayer {
  play(): Promise<PlayerResult>;
}

async function player(options: PlayerOptions, signal: AbortSignal | undefined): Promise<ReadyPlayer> {
  const { path, execArgv } = processEntry(new URL('./race-player.js', import.meta.url));
  const child = spawn(process.execPath, [...execArgv, path, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(signal !== undefined && { signal }),
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
 * policy, each alone and both together, each in a process of its own with one scoring thread.
 *
 * Rows beyond the scored ones are fillers: real bytes with an embedding that hits nothing, laid before the others, so
 * that every search passes all of them before it finds a row that was scored. What is submitted is always honest.
 */
export async function* run(options: RaceOptions = {}): AsyncIterable<RaceResult> {
  const { signal, quick = false } = options;
  const seconds = options.seconds ?? (quick ? 5 : 30);
  const scored = options.scored ?? (quick ? 200 : 1_000);
  const sizes = options.rows ?? (quick ? [scored] : [scored, 10_000, 100_000]);
  const dir = await mkdtemp(join(tmpdir(), 'quarry-race-'));
  const models = await hostRaceModels(dir);
  try {
    const data = join(dir, 'data.bin');
    await writeFile(data, variedBytes(scored, 1));
    const track = new Track({ dir, models, data, durationMs: seconds * 1000, signal });
    const master = await track.scoreOnce(scored);
    const race = { scoredBefore: scored, seconds };
    for (const rows of sizes) {
      const state = await withFillers(dir, master, rows - scored);
      const [alone] = await track.race([{ policyOf: 'quarry', dir: state }]);
      yield raceResult(`quarry alone, ${rows} rows`, alone!, { ...race, rows });
      // Twenty targets a checkpoint wait for one another; a single one shows how long an answer takes.
      const single = await withFillers(dir, master, rows - scored);
      const [paced] = await track.race([{ policyOf: 'quarry', dir: single }], { targetsPerEpoch: 1 });
      yield raceResult(`quarry alone, ${rows} rows, one target at a time`, paced!, { ...race, rows });
    }
    const [quickstart] = await track.race([{ policyOf: 'quickstart' }]);
    yield raceResult('quickstart alone', quickstart!, { rows: 0, scoredBefore: 0, seconds });
    const both = await track.race([
      { policyOf: 'quarry', dir: await withFillers(dir, master, 0) },
      { policyOf: 'quickstart' },
    ]);
    yield* pair('together', both, scored, seconds);
    // From nothing: every row must be scored during the race, by one thread each.
    const fresh = join(dir, 'fresh.bin');
    await writeFile(fresh, variedBytes(Math.min(64_000, seconds * 1000), 2));
    const even = await track.race([{ policyOf: 'quarry', data: fresh }, { policyOf: 'quickstart' }]);
    yield* pair('together from nothing', even, 0, seconds);
  } finally {
    await models.close();
    await rm(dir, { recursive: true, force: true });
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
  readonly durationMs: number;
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
    const [{ samples }] = (await this.race([
      { policyOf: 'quarry', dir, untilSamples: count, durationMs: SCORING_MS },
    ])) as [PlayerResult];
    if (samples < count) throw new QuarryError('INTERNAL', `scored ${samples} samples of ${count}`);
    return dir;
  }

  /** Lets players race on a new network, from the same moment on. */
  async race(
    players: readonly (Partial<PlayerOptions> & Pick<PlayerOptions, 'policyOf'>)[],
    options: DevnetOptions = {},
  ): Promise<PlayerResult[]> {
    const { dir, models, data, durationMs, signal } = this.#options;
    signal?.throwIfAborted();
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
        players.map((wishes, n) => {
          const own = { rpcUrl: network.rpcUrl, secret: keys[n]!.secret, data, durationMs };
          return player({ ...own, dir: join(dir, `race-${race}-${n}`), ...wishes }, signal);
        }),
      );
      return await Promise.all(ready.map((each) => each.play()));
    } finally {
      await network.close();
    }
  }
}

/** A copy of a state directory whose store begins with so many rows that hit nothing. */
async function withFillers(dir: string, master: string, fillers: number): Promise<string> {
  const state = await mkdtemp(join(dir, 'state-'));
  await cp(master, state, { recursive: true });
  if (fillers <= 0) return state;
  await rm(join(state, 'store'), { recursive: true });
  const { embeddingDim } = RACE_CONFIG;
  const from = await openStore({ dir: join(master, 'store'), embeddingDim, readonly: true });
  const to = await openStore({ dir: join(state, 'store'), embeddingDim, durability: 'process' });
  try {
    const nowhere = new Float32Array(embeddingDim);
    for (let first = 0; first < fillers; first += FILLER_BATCH) {
      const count = Math.min(FILLER_BATCH, fillers - first);
      const inputs = Array.from({ length: count }, (_, k) => ({ bytes: Buffer.from(`filler ${first + k}`) }));
      const ids = (await to.appendSamples(inputs)).map(({ id }) => id);
      for (const [m, model] of from.models.entries()) {
        const row = { embedding: nowhere, precision: 'f32' } as const;
        await to.appendScores(
          model,
          ids.map((sampleId) => ({ ...row, sampleId, loss: 3 + ((sampleId + m) % 3) })),
        );
      }
    }
    for (let id = 0; id < from.sampleCount; id++) {
      const { bytes, origin } = from.sample(id);
      const [appended] = await to.appendSamples([{ bytes, origin }]);
      for (const model of from.models) {
        const score = from.score(id, model);
        if (score !== undefined) await to.appendScores(model, [{ sampleId: appended!.id, ...score }]);
      }
    }
  } finally {
    await from.close();
    await to.close();
  }
  return state;
}
