import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Point, slopePerHour } from '../../bench/soak-slope.js';
import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import { toQuarryError } from '../../src/errors/index.js';
import { type DataHost, HttpHost } from '../../src/hosting/index.js';
import type { AssembledMiner, CreateMinerOptions } from '../../src/miner/index.js';
import { allLies } from '../lying-node/lies.js';
import { LyingProxy } from '../lying-node/proxy.js';
import { disagreements, readJournal, recordLedger, sumOf } from '../miner/ledger-record.js';
import { FUNDED_SHANNONS, type MiningNetwork, startMiningNetwork } from '../miner/network.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const random = seededRandom(seed);
/** A miner is started anew this often, milliseconds. */
const LIFE_MS = Math.min(60_000, minutes * 15_000);
/** Share of the data host's answers that fail. */
const RUDE = 0.1;
const TRIES = 200;

const outcomes: Record<string, number> = {};
const failures: Record<string, number> = {};
const resident: Point[] = [];
let lies = 0;

const network = await startMiningNetwork({
  auditShare: 0,
  targetsPerEpoch: 20,
  initialDistanceThreshold: 2,
  epochMs: 8_000,
  idleCheckpointMs: 200,
  chaos: { seed, lockMs: 300, slowCheckpointMs: 500 },
});
const entries = recordLedger(network.devnet, network.signer.address);
const proxy = await LyingProxy.start(network.devnet.rpcUrl);
proxy.delayMs = 30;
const stateDir = join(network.dir, 'state');
const host = rude(await HttpHost.listen({ dir: join(network.dir, 'hosted'), port: 0 }));
const began = performance.now();
const over = (): boolean => performance.now() - began > minutes * 60_000;
const watching = setInterval(() => {
  resident.push({ atMs: performance.now() - began, value: process.memoryUsage().rss / 2 ** 20 });
}, 5_000);

const lying = lie();
let lives = 0;
while (!over()) {
  lives++;
  await live(await minerOf({ network: proxy.url, host, untilIdle: false, maxInFlight: 4 }));
}
clearInterval(watching);
await lying;
proxy.honest();
const faults = await reconcile(network);
report(faults);
await network.close();
await host.close();
proxy.close();
process.exit(faults.length === 0 ? 0 : 1);

/** Tells a lie for half a second, then the truth for one. What a node says of a fee cannot be checked, and is left alone. */
async function lie(): Promise<void> {
  while (!over()) {
    await pause(1_000);
    const known = allLies(new Set(proxy.answers.keys())).filter(
      ({ kind, method }) => kind === 'answer' || !/ExecuteTransaction|GetTransaction/.test(method),
    );
    const chosen = known[Math.floor(random() * known.length)];
    if (chosen === undefined) continue;
    lies++;
    proxy.lie(chosen);
    await pause(500);
    proxy.honest();
  }
}

/** Mines for a minute. Nothing but the end that was asked for may end it. */
async function live({ miner, close }: AssembledMiner): Promise<void> {
  miner.events.on('outcome', ({ outcome: { kind } }) => count(outcomes, kind));
  miner.events.on('warning', ({ error }) => count(failures, error.code));
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LIFE_MS);
  const failure = await miner.run({ signal: stop.signal }).then(
    () => (stop.signal.aborted ? undefined : 'it ended by itself'),
    (error: unknown) => toQuarryError(error, 'mining').message,
  );
  clearTimeout(timer);
  if (failure !== undefined) count(failures, `ended: ${failure}`);
  await close();
}

/** A start may meet a lie, which is an error then; the user tries again. */
async function minerOf(options: Partial<CreateMinerOptions>): Promise<AssembledMiner> {
  for (let n = 1; ; n++) {
    try {
      return await network.miner({ stateDir, engine: { engine: 'auto', workers: 1, threads: 1 }, ...options });
    } catch (error) {
      if (n >= TRIES) throw error;
      await pause(200);
    }
  }
}

/** Settles and claims past the liar, then compares. */
async function reconcile({ devnet, signer }: MiningNetwork): Promise<string[]> {
  const { miner, journal, close } = await minerOf({ host });
  for (let n = 1; n <= TRIES; n++) {
    await miner.claim().catch((error: unknown) => count(failures, toQuarryError(error, 'claiming').code));
    const { pending, unclaimed } = journal.totals();
    if (pending === 0 && unclaimed === 0) break;
    await pause(500);
  }
  await close();
  const path = join(stateDir, 'journal.db');
  const { submissions, claims } = readJournal(path);
  const accepted = submissions.filter((row) => row['state'] === 'accepted');
  const fees = entries.reduce((sum, entry) => sum + entry.feeShannons, 0n);
  const expected = FUNDED_SHANNONS + sumOf(claims, 'received') - sumOf(accepted, 'bond') - fees;
  const balance = devnet.balanceOf(signer.address);
  const wrong = balance === expected ? [] : [`the balance is ${balance}, journal and fees say ${expected}`];
  return [...disagreements(entries, path), ...wrong];
}

function report(faults: readonly string[]): void {
  const later = resident.slice(resident.length >> 1);
  console.log(`${minutes} minutes, seed ${seed}: ${lives} lives, ${lies} lies, ${entries.length} transactions`);
  console.log('outcomes', outcomes, 'warnings', failures, "the devnet's faults", network.devnet.faults);
  const slope = slopePerHour(later);
  console.log(`resident ${Math.round(later.at(-1)?.value ?? 0)} MiB, ${slope.toFixed(0)} MiB an hour, devnet included`);
  for (const fault of faults) console.log(`  ${fault}`);
  console.log(faults.length === 0 ? 'ledger = journal' : `${faults.length} disagreements`);
}

function rude(honest: DataHost): DataHost {
  const answer = async <T>(call: () => Promise<T>): Promise<T> => {
    if (random() < RUDE) throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
    return call();
  };
  return {
    name: honest.name,
    publish: (...args) => answer(() => honest.publish(...args)),
    publishFile: (...args) => answer(() => honest.publishFile(...args)),
    remove: (...args) => answer(() => honest.remove(...args)),
    close: () => honest.close(),
  };
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
