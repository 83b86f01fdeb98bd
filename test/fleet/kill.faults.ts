import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../bench/free-port.js';
import { hasNatsServer, type NatsServer, startNatsServer } from '../../bench/nats-server.js';
import { variedBytes } from '../../bench/varied-bytes.js';
import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import type { QuarryError } from '../../src/errors/index.js';
import { FleetEngine, type FleetRows, openFleet } from '../../src/fleet/index.js';
import { type KillPoint, mineUntilKilled } from '../miner/killed-miner.js';
import { disagreements, recordLedger } from '../miner/ledger-record.js';
import { FUNDED_SHANNONS, type MiningNetwork, startMiningNetwork } from '../miner/network.js';
import { TcpProxy } from '../soma/client/tcp-proxy.js';
import { until } from '../until.js';
import { Deliveries } from './deliveries.js';
import { progressOf, progressOfScorers, scoredOnce } from './scored-samples.js';

/** Kills of scorers, of the server, of the coordinator, and cuts of the scorers' way to the server. */
const COUNTS = (process.env['QUARRY_FLEET_KILLS'] ?? '4,1,1,1').split(',').map(Number);
/** Samples of a kilobyte for each: so many that kills fall among work. */
const SAMPLES_EACH = 20;
const SEED = Number(process.env['QUARRY_KILL_SEED'] ?? 20_261_129);
const QUARRY = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
/** A coordinator loads three models, each by a scorer that may be killed, before it wins anything. */
const LONGEST_RUN_MS = 60_000;
/** With what a process ends that is started while the server is away. */
const SERVER_AWAY = /no NATS server|cannot hold the fleet's work/;

let network: MiningNetwork | undefined;
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await network?.close();
});

/** What one fleet goes through. */
interface Trouble {
  readonly scorers: number;
  readonly server: number;
  readonly coordinators: number;
  readonly cuts: number;
  readonly samples: number;
  /** Whether scorers keep what they score. */
  readonly keepRows: boolean;
  /** Disk of the server's JetStream, bytes: less than the samples need. Absent: all there is. */
  readonly fileStoreBytes?: number;
}

/** @param part of the kills that are counted in {@link COUNTS} */
function trouble(keepRows: boolean, part: number): Trouble {
  const counts = COUNTS.map((count) => Math.ceil(count * part));
  const [scorers = 0, server = 0, coordinators = 0, cuts = 0] = counts;
  const samples = SAMPLES_EACH * counts.reduce((sum, count) => sum + count, 0);
  return { scorers, server, coordinators, cuts, samples, keepRows };
}

/** A sample as it lies on the server's disk, at most. */
const MESSAGE_BYTES = 2_048;
/** Room for a few samples beside the models: most publications are refused. */
const SMALL_DISK_BYTES = 16_384;

/** Little dies, but the server's disk is full nearly all the time. */
function fullDisk(keepRows: boolean): Trouble {
  const few = { scorers: 2, server: 1, coordinators: 1, cuts: 1 };
  return { ...few, samples: 100, keepRows, fileStoreBytes: SMALL_DISK_BYTES };
}

/** How long the last coordinator may take, milliseconds: where the disk is full, samples wait for room again and again. */
function finishMs({ samples, fileStoreBytes }: Trouble): number {
  return 120_000 + samples * (fileStoreBytes === undefined ? 1_000 : 4_000);
}

/** How long all of it may take, milliseconds. */
function timeoutMs(all: Trouble): number {
  const troubles = all.scorers + all.server + all.coordinators + all.cuts;
  return 300_000 + troubles * 60_000 + finishMs(all);
}

const CASES: readonly (readonly [string, Trouble])[] = [
  [`${COUNTS.join(', ')} kills and cuts`, trouble(false, 1)],
  ['a quarter as many, of scorers that keep rows', trouble(true, 0.25)],
  ['a full disk of the server', fullDisk(false)],
  ['a full disk of the server, of scorers that keep rows', fullDisk(true)],
];

const random = seededRandom(SEED);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(!hasNatsServer)('a fleet whose parts are killed', () => {
  for (const [name, all] of CASES) {
    const title = `${name}: every sample is scored once, and the ledger agrees`;
    test(title, { timeout: timeoutMs(all) }, async () => {
      // The host of a killed coordinator is away, which an auditor would call fraud.
      network = await startMiningNetwork({
        auditShare: 0,
        targetsPerEpoch: 10,
        // Winning is not what is looked at.
        initialDistanceThreshold: 0.5,
      });
      const { devnet, dir, signer } = network;
      const entries = recordLedger(devnet, signer.address);
      const server = await startNatsServer(dir, await diskOf(dir, all));
      const way = await TcpProxy.start(`http://127.0.0.1:${server.port}`);
      closers.push(
        () => server.close(),
        () => way.close(),
      );
      const data = join(dir, 'varied.bin');
      await writeFile(data, variedBytes(all.samples, 7));

      const deliveries = await Deliveries.count(server);
      closers.push(() => deliveries.close());
      const scorers = new Scorers(dir, way.url.replace('http:', 'nats:'), deliveries, all.keepRows);
      closers.push(() => scorers.end());
      await Promise.all([
        scorers.killed(all.scorers),
        killServer(server, all.server),
        cutWay(way, all.cuts),
        killCoordinators(network, server.url, data, all),
      ]);
      const warnings = await finish(network, server.url, data, { ...all, rowDirs: scorers.rowDirs });
      await scorers.end();

      expect(warnings.filter(({ code }) => code === 'ENGINE_FAILED')).toEqual([]);
      const journal = join(dir, 'state', 'journal.db');
      expect(disagreements(entries, journal)).toEqual([]);
      const wins = entries.filter(({ kind, succeeded }) => kind === 'submitData' && succeeded).length;
      expect(wins).toBeGreaterThan(0);
      expect(devnet.balanceOf(signer.address)).toBe(
        entries.reduce((sum, { changeShannons }) => sum + changeShannons, FUNDED_SHANNONS),
      );
      const stores = all.keepRows ? scorers.rowDirs : [join(dir, 'state', 'store')];
      const twice = await scoredOnce(stores, all.samples);
      if (all.fileStoreBytes !== undefined) {
        expect(deliveries.mostStoredBytes).toBeGreaterThan(all.fileStoreBytes - 2 * MESSAGE_BYTES);
      }
      const besides = deliveries.total - (all.keepRows ? 1 : 3) * all.samples;
      process.stdout.write(
        `${all.scorers} scorers, ${all.server} servers, ${all.coordinators} coordinators killed, ${all.cuts} cuts: ` +
          `${3 * all.samples} scores, each once${all.keepRows ? `, ${twice} samples of ${all.samples} with two scorers` : ''}; ` +
          `${besides} more handed out: probes, near-ties in f32, and what was done twice or in vain; ${wins} targets won\n`,
      );
    });
  }
});

/** Arguments of a server whose disk is as small as it should be. */
async function diskOf(dir: string, { fileStoreBytes }: Trouble): Promise<string[]> {
  if (fileStoreBytes === undefined) return [];
  const file = join(dir, 'nats.conf');
  await writeFile(file, `jetstream { max_file_store: ${fileStoreBytes} }`);
  return ['-c', file];
}

const LANES = ['one', 'two'] as const;

/** Two scorer processes, each started again when it ends. */
class Scorers {
  readonly #dir: string;
  readonly #url: string;
  readonly #deliveries: Deliveries;
  readonly #keepRows: boolean;
  readonly #lanes: Promise<void>[] = [];
  readonly #children = new Set<ChildProcess>();
  #left = 0;
  #ended = false;
  #onAllKilled = (): void => {};

  constructor(dir: string, url: string, deliveries: Deliveries, keepRows: boolean) {
    this.#dir = dir;
    this.#keepRows = keepRows;
    this.#url = url;
    this.#deliveries = deliveries;
  }

  /** Where they keep rows. */
  get rowDirs(): string[] {
    return LANES.map((name) => join(this.#stateDir(name), 'scorer', 'rows'));
  }

  /** Starts them, and resolves once so many were killed; the last two live on. */
  async killed(count: number): Promise<void> {
    this.#left = count;
    const allKilled = new Promise<void>((resolve) => {
      this.#onAllKilled = resolve;
    });
    for (const name of LANES) this.#lanes.push(this.#lane(name));
    if (count > 0) await allKilled;
  }

  async end(): Promise<void> {
    this.#ended = true;
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(this.#lanes);
  }

  async #lane(name: string): Promise<void> {
    const args = [
      'scorer',
      '--nats',
      this.#url,
      '--allow-loopback',
      '--engine',
      'native',
      '--workers',
      '1',
      '--threads',
      '1',
    ];
    if (this.#keepRows) args.push('--keep-rows');
    const stateDir = this.#stateDir(name);
    while (!this.#ended) {
      const child = spawn(process.execPath, [QUARRY, ...args, '--state-dir', stateDir], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      this.#children.add(child);
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (line.startsWith('scorer ')) void this.#killSometime(child);
      });
      await once(child, 'close');
      this.#children.delete(child);
    }
  }

  #stateDir(name: string): string {
    return join(this.#dir, `scorer-${name}`);
  }

  /** Kills a scorer that is up while it loads, scores or answers; some are killed while they idle. */
  async #killSometime(child: ChildProcess): Promise<void> {
    const before = this.#deliveries.total;
    const idleUntil = performance.now() + 10_000;
    while (this.#deliveries.total === before && performance.now() < idleUntil) await pause(50);
    await pause(random() * 2_000);
    if (this.#left === 0 || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    this.#left--;
    if (this.#left === 0) this.#onAllKilled();
  }
}

async function killServer(server: NatsServer, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await pause(2_000 + random() * 8_000);
    await server.kill();
    await pause(random() * 1_500);
    await server.restart();
  }
}

async function cutWay(way: TcpProxy, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await pause(2_000 + random() * 8_000);
    way.cut();
    await pause(random() * 4_000);
    way.restore();
  }
}

async function killCoordinators(
  { devnet, dir, signer }: MiningNetwork,
  nats: string,
  data: string,
  { coordinators, keepRows }: Trouble,
): Promise<void> {
  const args = ['--network', devnet.rpcUrl, '--state-dir', join(dir, 'state'), '--data', data, '--search-share', '0'];
  args.push('--engine', 'fleet', '--nats', nats, '--verify-share', '0.01', '--log-level', 'silent');
  args.push('--data-port', String(await freePort()));
  if (keepRows) args.push('--keep-rows');
  for (let killed = 0; killed < coordinators; ) {
    const at: KillPoint =
      random() < 0.3
        ? { afterSpawnMs: 1_000 + random() * 8_000 }
        : { event: random() < 0.5 ? 'hit' : 'accepted', count: 1 + Math.floor(random() * 6), thenMs: random() * 300 };
    const run = await mineUntilKilled(args, { SOMA_SECRET_KEY: signer.exportSecret() }, at, LONGEST_RUN_MS);
    if (run.killed) killed++;
    else if (!SERVER_AWAY.test(run.stderr)) throw new Error(`the coordinator ended by itself: ${run.stderr}`);
    await devnet.advanceEpoch();
  }
}

/** Has all that is left scored, and something won, by a coordinator that is not killed; then what is open is settled. */
async function finish(
  { miner }: MiningNetwork,
  url: string,
  data: string,
  all: Trouble & { readonly rowDirs: readonly string[] },
): Promise<readonly QuarryError[]> {
  const { samples, keepRows, rowDirs } = all;
  const warnings: QuarryError[] = [];
  let rows: FleetRows | undefined;
  const assembled = await miner({
    data: [data],
    searchShare: 0,
    batchSize: 256,
    untilIdle: false,
    overEngine: async (local) => {
      const fleet = await openFleet({ url, fleet: 'default', name: 'the last coordinator' });
      const options = { verifyShare: 0.01, onWarning: (warning: QuarryError) => warnings.push(warning) };
      const engine = await FleetEngine.open(options, { fleet, local });
      rows = await engine.rows({ gatherMs: 5_000, keepThere: keepRows });
      return engine;
    },
    farRows: () => rows,
  });
  const { store, journal } = assembled;
  let kept = 0;
  const isScored = async (): Promise<boolean> => {
    const progress = keepRows ? await progressOfScorers(rowDirs) : progressOf(store);
    kept = progress.kept.size;
    return kept === samples && progress.isScored;
  };
  const running = assembled.miner.run();
  const done = until(async () => (await isScored()) && journal.totals().accepted > 0, 'every sample to be scored', {
    deadlineMs: finishMs(all),
    everyMs: 500,
  }).catch((error: unknown) => {
    throw new Error(`${journal.totals().accepted} accepted, ${kept} samples kept of ${samples}`, { cause: error });
  });
  await Promise.race([done, running]);
  assembled.miner.stop();
  await running;
  await assembled.close();
  const settling = await miner();
  await settling.miner.claim();
  await settling.close();
  return warnings;
}
