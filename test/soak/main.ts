import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type MemorySample, memoryNow } from '../../bench/soak-probe.js';
import { floors, type Point, slopePerHour } from '../../bench/soak-slope.js';
import { processEntry } from '../../src/devnet/soma/entry-point.js';
import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import { toQuarryError } from '../../src/errors/index.js';
import { HttpHost } from '../../src/hosting/index.js';
import type { AssembledMiner } from '../../src/miner/index.js';
import { allLies } from '../lying-node/lies.js';
import { LyingProxy } from '../lying-node/proxy.js';
import { disagreements, readJournal, recordLedger, sumOf } from '../miner/ledger-record.js';
import { FUNDED_SHANNONS, type MiningNetwork, startMiningNetwork } from '../miner/network.js';
import type { LivesOptions, ToldByLives } from './lives-messages.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const random = seededRandom(seed);
const LOOK_EVERY_MS = 5_000;
const TRIES = 200;
const MIB = 2 ** 20;
/** For so long, minutes, heaps and arenas still reach their size: nothing is said of growth. */
const SETTLING_MINUTES = 10;
/** How far the floor of the miner's memory may rise from the third quarter to the fourth, MiB. */
const MOST_RISE = { heapUsed: 8, anonymous: 48 } as const;

const memory: { readonly miner: MemorySample[]; readonly network: MemorySample[] } = { miner: [], network: [] };
const failures: Record<string, number> = {};
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
const began = performance.now();
const over = (): boolean => performance.now() - began > minutes * 60_000;
const watching = setInterval(() => memory.network.push(memoryNow()), LOOK_EVERY_MS);

const lying = lie();
const lived = await mineInLives();
clearInterval(watching);
await lying;
proxy.honest();
const faults = [
  ...(lived === undefined ? ['the process of the miner ended'] : []),
  ...(minutes < 4 * SETTLING_MINUTES ? [] : (['heapUsed', 'anonymous'] as const).flatMap(grown)),
  ...(await reconcile(network)),
];
report(faults);
await network.close();
proxy.close();
process.exit(faults.length === 0 ? 0 : 1);

/** Mines in a process of its own until the time is over; `undefined` when that did not come to its end. */
async function mineInLives(): Promise<Exclude<ToldByLives, { memory: unknown }> | undefined> {
  const entry = processEntry(new URL('./lives.js', import.meta.url));
  const options: LivesOptions = {
    ...{ network: proxy.url, secret: network.signer.exportSecret(), dir: network.dir, seed },
    data: join(network.dir, 'text.bin'),
    lifeMs: Math.min(60_000, minutes * 15_000),
  };
  const child = fork(entry.path, [JSON.stringify(options)], { execArgv: [...entry.execArgv, '--expose-gc'] });
  let end: Exclude<ToldByLives, { memory: unknown }> | undefined;
  child.on('message', (told: ToldByLives) => {
    if ('memory' in told) return void memory.miner.push(told.memory);
    end = told;
    child.disconnect();
  });
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.send('stop'), minutes * 60_000);
  await exited;
  clearTimeout(timer);
  return end;
}

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

/** Settles and claims without the liar, then compares. */
async function reconcile({ devnet, signer, dir }: MiningNetwork): Promise<string[]> {
  const host = await HttpHost.listen({ dir: join(dir, 'hosted'), port: 0 });
  const { miner, journal, close } = await minerOf(host);
  for (let n = 1; n <= TRIES; n++) {
    await miner.claim().catch((error: unknown) => count(failures, toQuarryError(error, 'claiming').code));
    const { pending, unclaimed } = journal.totals();
    if (pending === 0 && unclaimed === 0) break;
    await pause(500);
  }
  await close();
  await host.close();
  const path = join(dir, 'state', 'journal.db');
  const { submissions, claims } = readJournal(path);
  const accepted = submissions.filter((row) => row['state'] === 'accepted');
  const fees = entries.reduce((sum, entry) => sum + entry.feeShannons, 0n);
  const expected = FUNDED_SHANNONS + sumOf(claims, 'received') - sumOf(accepted, 'bond') - fees;
  const balance = devnet.balanceOf(signer.address);
  const wrong = balance === expected ? [] : [`the balance is ${balance}, journal and fees say ${expected}`];
  return [...disagreements(entries, path), ...wrong];
}

/** The devnet's faults meet a start as well; the user tries again. */
async function minerOf(host: HttpHost): Promise<AssembledMiner> {
  for (let n = 1; ; n++) {
    try {
      return await network.miner({ host, engine: { engine: 'auto', workers: 1, threads: 1 } });
    } catch (error) {
      if (n >= TRIES) throw error;
      await pause(200);
    }
  }
}

function report(faults: readonly string[]): void {
  const seen = `${lived?.lives ?? 0} lives, ${lies} lies, ${entries.length} transactions`;
  console.log(`${minutes} minutes, seed ${seed}: ${seen}`);
  console.log('outcomes', lived?.outcomes, 'warnings', lived?.failures, 'claiming at the end', failures);
  console.log("the devnet's faults", network.devnet.faults);
  console.log(`memory of the miner's process: ${growth(memory.miner, 'heapUsed', 'heap')}; ${anonymous(memory.miner)}`);
  console.log(`memory of the network's process, which keeps its history: ${anonymous(memory.network)}`);
  for (const fault of faults) console.log(`  ${fault}`);
  console.log(faults.length === 0 ? 'ledger = journal' : `${faults.length} faults`);
}

function anonymous(samples: readonly MemorySample[]): string {
  return growth(samples, 'anonymous', 'all but mapped files');
}

/** The last value, the floor in the last two quarters and the slope of the second half: the first fills caches. */
function growth(samples: readonly MemorySample[], kind: keyof typeof MOST_RISE, name: string): string {
  const points = mibOf(samples, kind);
  const [third, fourth] = floors(points).map((value) => value.toFixed(0));
  const slope = slopePerHour(points.slice(points.length >> 1)).toFixed(0);
  const long = minutes < 2 * SETTLING_MINUTES ? ', too short a run to judge' : '';
  return `${name} ${(points.at(-1)?.value ?? 0).toFixed(1)} MiB, least ${third} and then ${fourth}, ${slope} MiB an hour${long}`;
}

/** What says that the miner's memory leaks. */
function grown(kind: keyof typeof MOST_RISE): string[] {
  const [third, fourth] = floors(mibOf(memory.miner, kind));
  const rise = fourth - third;
  return rise > MOST_RISE[kind] ? [`the least of ${kind} rose by ${rise.toFixed(0)} MiB in a quarter of the time`] : [];
}

function mibOf(samples: readonly MemorySample[], kind: keyof typeof MOST_RISE): Point[] {
  return samples.map((sample) => ({ atMs: sample.atMs, value: sample[kind] / MIB }));
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
