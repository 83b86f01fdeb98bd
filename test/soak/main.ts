// Everything at once, for hours: a miner in lives of a minute, in a process of its own, while the network, the node between
// them, the hosts of weights and data, the disk and signals fail. Usage: npm run soak -- --minutes 60 --seed 1. It fails when
// ledger and journal disagree, the miner ends unasked, its memory grows, or some kind of fault did not happen.
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type MemorySample, memoryNow } from '../../bench/soak-probe.js';
import { processEntry } from '../../src/devnet/soma/entry-point.js';
import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import { toQuarryError } from '../../src/errors/index.js';
import { HttpHost } from '../../src/hosting/index.js';
import type { AssembledMiner } from '../../src/miner/index.js';
import { allLies } from '../lying-node/lies.js';
import { LyingProxy } from '../lying-node/proxy.js';
import { disagreements, readJournal, recordLedger, sumOf } from '../miner/ledger-record.js';
import { FUNDED_SHANNONS, type MiningNetwork, startMiningNetwork } from '../miner/network.js';
import { canMount, hasNamespaces, NAMESPACE } from '../miner/small-disk.js';
import { HostileHost } from './hostile-host.js';
import type { LivesOptions, ToldByLives, ToldToLives } from './lives-messages.js';
import { rotateLog, silentLog } from './log-rotation.js';
import { grown, memoryLine } from './memory-growth.js';
import { changeModels, type ModelChanges } from './model-changes.js';
import { DISK_FAULTS, RudeDisk } from './rude-disk.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
if (!canMount() && hasNamespaces()) {
  // Where we are not root we are in a namespace of our own, and may mount the disk that breaks.
  const [unshare, ...flags] = NAMESPACE;
  const again = [...flags, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.exit(spawnSync(unshare, again, { stdio: 'inherit' }).status ?? 1);
}

const minutes = Number(values.minutes);
const seed = Number(values.seed);
const random = seededRandom(seed);
const LOOK_EVERY_MS = 5_000;
const TRIES = 200;
/** Maximum time for which the disk works, and for which it is broken. */
const WELL_MS = 10_000;
const BROKEN_MS = 4_000;
const HANG_UP_MS = 7_000;
/** Time at the end in which the disk no longer breaks, to see what outlasts the faults. */
const CALM_MS = 20_000;

const memory: { readonly miner: MemorySample[]; readonly network: MemorySample[] } = { miner: [], network: [] };
const failures: Record<string, number> = {};
const models: ModelChanges = { changed: 0, failed: {} };
let lies = 0;
let hangUps = 0;

const host = await HostileHost.listen(random);
const network = await startMiningNetwork({
  auditShare: 0,
  targetsPerEpoch: 20,
  initialDistanceThreshold: 2,
  epochMs: 8_000,
  idleCheckpointMs: 200,
  modelsAt: host.url,
  chaos: {
    ...{ seed, lockMs: 300, slowCheckpointMs: 500 },
    rates: { epochChange: 0.01, corruptDownload: 0.2, stalledDownload: 0.1, truncatedDownload: 0.2 },
  },
});
for (const [name, bytes] of network.weights) host.put(name, bytes);
host.elsewhere = `${network.devnet.httpUrl}/blobs`;
const disk = await RudeDisk.mount(network.dir);
const entries = recordLedger(network.devnet, network.signer.address);
const proxy = await LyingProxy.start(network.devnet.rpcUrl);
proxy.delayMs = 30;
const stateDir = join(disk.dir, 'state');
const logFile = join(disk.dir, 'log', 'quarry.log');
const began = performance.now();
const leftMs = (): number => minutes * 60_000 - (performance.now() - began);
const over = (): boolean => leftMs() <= 0;
const watching = setInterval(() => memory.network.push(memoryNow()), LOOK_EVERY_MS);

const child = startLives();
const [lived] = await Promise.all([
  untilLived(child),
  lie(),
  breakDisk(child),
  hangUp(child),
  changeModels(network, hostWeights, over, models),
]);
clearInterval(watching);
proxy.honest();
const faults = [
  ...(lived === undefined ? ['the process of the miner ended'] : lived.faults),
  ...(await silentLog(logFile, CALM_MS)),
  ...grown(memory.miner, minutes),
  ...((lived?.outcomes['accepted'] ?? 0) > minutes ? [] : ['it hardly mined']),
  ...(await reconcile(network)),
  ...Object.entries(met()).flatMap(([kind, times]) => (times > 0 ? [] : [`this fault did not happen: ${kind}`])),
];
report(faults);
await network.close().catch(() => {});
host.close();
disk.close();
proxy.close();
process.exit(faults.length === 0 ? 0 : 1);

function startLives(): ChildProcess {
  const entry = processEntry(new URL('./lives.js', import.meta.url));
  const options: LivesOptions = {
    ...{ network: proxy.url, secret: network.signer.exportSecret(), dir: disk.dir, logFile, seed },
    data: join(network.dir, 'text.bin'),
    lifeMs: Math.min(60_000, minutes * 15_000),
  };
  return fork(entry.path, [JSON.stringify(options)], {
    execArgv: [...entry.execArgv, '--expose-gc'],
    env: { ...process.env, ...disk.env },
  });
}

type End = Exclude<ToldByLives, { memory: unknown }>;

/** Waits until the time is over; `undefined` if the miner's process did not end. */
async function untilLived(lives: ChildProcess): Promise<End | undefined> {
  let end: End | undefined;
  lives.on('message', (told: ToldByLives) => {
    if ('memory' in told) return void memory.miner.push(told.memory);
    end = told;
    lives.disconnect();
  });
  const exited = once(lives, 'exit');
  const timer = setTimeout(() => tell(lives, 'stop'), minutes * 60_000);
  await exited;
  clearTimeout(timer);
  return end;
}

function tell(lives: ChildProcess, message: ToldToLives): void {
  if (lives.connected) lives.send(message);
}

function hostWeights(name: string, bytes: Uint8Array): string {
  host.put(name, bytes);
  network.devnet.putBlob(name, bytes);
  return `${host.url}/${name}`;
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

/** Breaks the disk in one way after another. */
async function breakDisk(lives: ChildProcess): Promise<void> {
  for (let n = 0; leftMs() > CALM_MS + WELL_MS; n++) {
    await pause(WELL_MS);
    tell(lives, 'the disk breaks');
    await disk.strike(DISK_FAULTS[n % DISK_FAULTS.length]!);
    await pause((0.25 + 0.75 * random()) * BROKEN_MS);
    await disk.heal();
  }
}

/** What a rotation of logs does: renames the file and sends SIGHUP. */
async function hangUp(lives: ChildProcess): Promise<void> {
  while (leftMs() > HANG_UP_MS + CALM_MS) {
    await pause(HANG_UP_MS);
    if (!existsSync(logFile)) continue;
    await rotateLog(logFile);
    if (lives.kill('SIGHUP')) hangUps++;
  }
}

/** Settles and claims without the liar, then compares. */
async function reconcile({ devnet, signer, dir }: MiningNetwork): Promise<string[]> {
  const honest = await HttpHost.listen({ dir: join(dir, 'hosted'), port: 0 });
  const { miner, journal, close } = await minerOf(honest);
  for (let n = 1; n <= TRIES; n++) {
    await miner.claim().catch((error: unknown) => count(failures, toQuarryError(error, 'claiming').code));
    const { pending, unclaimed } = journal.totals();
    if (pending === 0 && unclaimed === 0) break;
    await pause(500);
  }
  await close();
  await honest.close();
  const path = join(stateDir, 'journal.db');
  const { submissions, claims } = readJournal(path);
  const accepted = submissions.filter((row) => row['state'] === 'accepted');
  const fees = entries.reduce((sum, entry) => sum + entry.feeShannons, 0n);
  const expected = FUNDED_SHANNONS + sumOf(claims, 'received') - sumOf(accepted, 'bond') - fees;
  const balance = devnet.balanceOf(signer.address);
  const wrong = balance === expected ? [] : [`the balance is ${balance}, journal and fees say ${expected}`];
  return [...disagreements(entries, path), ...wrong];
}

/** The devnet's faults meet a start as well; the user tries again. */
async function minerOf(honest: HttpHost): Promise<AssembledMiner> {
  for (let n = 1; ; n++) {
    try {
      return await network.miner({ stateDir, host: honest, engine: { engine: 'auto', workers: 1, threads: 1 } });
    } catch (error) {
      if (n >= TRIES) throw error;
      await pause(200);
    }
  }
}

/** How often each kind of fault was met. */
function met(): Record<string, number> {
  const named = (where: string, counts: object): [string, number][] =>
    Object.entries(counts).map(([kind, times]) => [`${where}: ${kind}`, times]);
  return Object.fromEntries([
    ...named('network', network.devnet.faults),
    ['node: lies', lies],
    ...named('model host', host.given),
    ['model host: fetched well', host.honest],
    ['models changed', models.changed],
    ...named('disk', disk.met()),
    ['data host: failures', lived?.hostFailures ?? 0],
    ['SIGHUP', hangUps],
  ]);
}

function report(found: readonly string[]): void {
  console.log(`${minutes} minutes, seed ${seed}: ${lived?.lives ?? 0} lives, ${entries.length} transactions`);
  for (const [kind, times] of Object.entries(met())) console.log(`  ${String(times).padStart(8)}  ${kind}`);
  console.log('outcomes', lived?.outcomes, 'warnings', lived?.warnings, 'claiming at the end', failures);
  console.log('models', lived?.models, 'changing them', models.failed, 'ended by the disk', lived?.diskEnds);
  console.log(memoryLine("the miner's process", memory.miner, minutes, ['heapUsed', 'anonymous']));
  console.log(memoryLine("the network's process, which keeps its history", memory.network, minutes, ['anonymous']));
  for (const fault of found) console.log(`  ${fault}`);
  console.log(found.length === 0 ? 'ledger = journal' : `${found.length} faults`);
}

function count(counted: Record<string, number>, name: string): void {
  counted[name] = (counted[name] ?? 0) + 1;
}
