import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Devnet } from '../../src/devnet/soma/index.js';
import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { disagreements, type LedgerEntry, readJournal, recordLedger, sumOf } from '../miner/ledger-record.js';
import type { Faults } from './faulty-transport.js';
import { Life, type LifeDeps, type LifeOptions, removeJournal } from './life.js';
import { SimulatedNetwork } from './network.js';
import { VirtualClock } from './virtual-clock.js';

/** What one seed came to. */
export interface Simulation {
  readonly seed: number;
  readonly lives: number;
  readonly kills: number;
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly claimed: number;
  /** Transactions whose copy was held up on the way. */
  readonly held: number;
  /** Refusals of transactions that had been executed. */
  readonly echoes: number;
  /** Calls and streams that an outage broke off. */
  readonly outOfReach: number;
  readonly virtualMs: number;
  /** What does not hold that should; empty when all is well. */
  readonly faults: readonly string[];
}

const HONEST: Faults = {
  lostRequest: 0,
  lostAnswer: 0,
  twice: 0,
  silent: 0,
  held: 0,
  echo: 0,
  brokenStream: 0,
  longestOutageMs: 0,
  latencyMs: 20,
};
const COIN = 250_000_000n;
const COINS = [COIN, COIN, COIN, COIN];
const MAX_LIVES = 5;
/** Rounds of claiming at the end; every epoch there are some. */
const MAX_ROUNDS = 40;

/** Plays one miner's lives on a network that misbehaves as the seed wills, then reconciles journal and ledger. */
export async function simulate(seed: number): Promise<Simulation> {
  const clock = new VirtualClock();
  const journalPath = join(tmpdir(), `quarry-simulation-${process.pid}-${seed}.db`);
  const journals = [journalPath, rivalJournal(journalPath)];
  journals.forEach(removeJournal);
  const random = seededRandom(seed);
  clock.install(seededRandom(seed + 1));
  try {
    return await play(seed, { clock, random }, journalPath);
  } finally {
    clock.uninstall();
    journals.forEach(removeJournal);
  }
}

async function play(
  seed: number,
  { clock, random }: Pick<LifeDeps, 'clock' | 'random'>,
  journalPath: string,
): Promise<Simulation> {
  const signer = keyOf(1);
  const rival = keyOf(2);
  const began = clock.now();
  const network = new SimulatedNetwork(
    {
      seed,
      epochMs: 15_000 + random() * 30_000,
      accounts: [
        { address: signer.address, coins: COINS },
        { address: rival.address, coins: COINS },
      ],
      random,
      congestion: random() < 0.5 ? 0 : random() * 0.2,
    },
    clock,
  );
  const ledger: Pick<Devnet, 'node' | 'balanceOf'> = network;
  const entries = recordLedger(ledger, signer.address);
  const deps: LifeDeps = { network, clock, random };
  network.start();
  const opponent = random() < 0.5 ? await rivalOf(rival, journalPath, deps) : undefined;
  const { lives, kills } = await liveAndDie(signer, journalPath, deps);
  opponent?.close();
  network.honest = true;
  const coins = await reconcile(signer, journalPath, deps);
  network.stop();
  const { submissions, claims } = readJournal(journalPath);
  const count = (state: string): number => submissions.filter((row) => row['state'] === state).length;
  return {
    seed,
    lives,
    kills,
    accepted: count('accepted'),
    lost: count('lost'),
    rejected: count('rejected'),
    claimed: claims.filter((row) => row['state'] === 'claimed').length,
    held: network.fates.played.held,
    echoes: network.fates.played.echo,
    outOfReach: network.fates.played.outOfReach,
    virtualMs: clock.now() - began,
    faults: [
      ...network.fates.faults,
      ...coins,
      ...disagreements(entries, journalPath),
      ...imbalance(entries, journalPath, signer, network),
    ],
  };
}

/** A few lives, each with faults and an end of its own. */
async function liveAndDie(
  signer: Keypair,
  journalPath: string,
  deps: LifeDeps,
): Promise<{ readonly lives: number; readonly kills: number }> {
  const { random, clock } = deps;
  const lives = 1 + Math.floor(random() * MAX_LIVES);
  let kills = 0;
  for (let n = 0; n < lives; n++) {
    const killAfter = random() < 0.75 ? Math.floor(random() ** 2 * 1_500) : Number.POSITIVE_INFINITY;
    const life = await Life.begin(
      { signer, journalPath, faults: faultsOf(random), killAfter, rudeHost: random() * 0.3 },
      deps,
    );
    const end = await life.mine(5_000 + random() * 60_000, clock);
    if (end === 'killed') kills++;
    life.close();
    await clock.pass(random() * 20_000);
  }
  return { lives, kills };
}

function faultsOf(random: () => number): Faults {
  const share = (most: number): number => (random() < 0.3 ? 0 : random() * most);
  return {
    lostRequest: share(0.1),
    lostAnswer: share(0.2),
    twice: share(0.3),
    silent: share(0.03),
    held: share(0.1),
    echo: share(0.5),
    brokenStream: share(0.02),
    longestOutageMs: share(150_000),
    latencyMs: 5 + random() * 400,
  };
}

/** Another miner after the same targets, on a line of its own. */
async function rivalOf(signer: Keypair, journalPath: string, deps: LifeDeps): Promise<Life> {
  const options: LifeOptions = {
    signer,
    journalPath: rivalJournal(journalPath),
    faults: { ...HONEST, latencyMs: 300 },
    killAfter: Number.POSITIVE_INFINITY,
    rudeHost: 0,
  };
  const life = await Life.begin(options, deps);
  // It ends by being killed.
  life.miner.run().catch(() => {});
  return life;
}

/** Settles and claims on an honest network until nothing is left; then the pool must hold what the ledger says. */
async function reconcile(signer: Keypair, journalPath: string, deps: LifeDeps): Promise<string[]> {
  const { clock, network } = deps;
  const killAfter = Number.POSITIVE_INFINITY;
  const life = await Life.begin({ signer, journalPath, faults: HONEST, killAfter, rudeHost: 0 }, deps);
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      let failure: unknown;
      let isDone = false;
      life.miner.claim().then(
        () => {
          isDone = true;
        },
        (error: unknown) => {
          isDone = true;
          failure = error;
        },
      );
      if (!(await clock.pass(600_000, () => isDone))) return ['claiming does not end'];
      if (failure !== undefined) return [`claiming failed: ${failure}`];
      await clock.pass(60_000);
      const { pending, unclaimed } = life.journal.totals();
      if (pending > 0 || unclaimed > 0) continue;
      // What is still on its way arrives before anything is compared: it must not contradict what was settled.
      await clock.pass(Math.max(0, network.fates.lastArrivalMs - clock.now()) + 5_000);
      let isRead = false;
      void life.account.pool.refresh().then(() => {
        isRead = true;
      });
      await clock.pass(120_000, () => isRead);
      const { totalShannons } = life.account.pool.state;
      const owned = network.balanceOf(signer.address);
      return totalShannons === owned ? [] : [`the pool holds ${totalShannons}, the ledger ${owned}`];
    }
    const { pending, unclaimed } = life.journal.totals();
    return [`${pending} never settled, ${unclaimed} never claimed`];
  } finally {
    life.close();
  }
}

/** Whether the balance is not what rewards, bonds and fees make of it. */
function imbalance(
  entries: readonly LedgerEntry[],
  journalPath: string,
  signer: Keypair,
  network: SimulatedNetwork,
): string[] {
  const { submissions, claims } = readJournal(journalPath);
  const accepted = submissions.filter((row) => row['state'] === 'accepted');
  const fees = entries.reduce((sum, entry) => sum + entry.feeShannons, 0n);
  const expected = COIN * BigInt(COINS.length) + sumOf(claims, 'received') - sumOf(accepted, 'bond') - fees;
  const balance = network.balanceOf(signer.address);
  return balance === expected ? [] : [`the balance is ${balance}, journal and fees say ${expected}`];
}

function rivalJournal(journalPath: string): string {
  return `${journalPath}.rival`;
}

function keyOf(n: number): Keypair {
  return Keypair.fromSecret(new Uint8Array(32).fill(n));
}
