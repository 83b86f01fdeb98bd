import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { processEntry } from '../src/devnet/soma/entry-point.js';
import type { DevnetOptions } from '../src/devnet/soma/index.js';
import { Journal } from '../src/miner/journal/journal.js';
import type { JournalTotals } from '../src/miner/journal/journal-totals.js';
import { sleep } from '../src/net/index.js';
import { Keypair } from '../src/soma/chain/index.js';
import { openStore, storeInfo } from '../src/store/index.js';
import { median } from './quantile.js';
import { hostRaceModels, RACE_CONFIG, startRaceNetwork } from './race-network.js';
import { type MemorySample, residentOf } from './soak-probe.js';
import { bytesPerUnit, type Point, slopePerHour } from './soak-slope.js';
import { variedBytes } from './varied-bytes.js';

/** Memory is looked at this often, in milliseconds. */
const LOOK_EVERY_MS = 10_000;
/** Samples a second on the miner's standard input, during the first half of the run. */
const SAMPLES_PER_SECOND = 60;
/** How long the miner may take to drain. */
const DRAIN_LIMIT_MS = 90_000;
const MIB = 2 ** 20;
/**
 * Few targets, easy enough that a small model's embeddings, which share much of their direction, go on reaching them:
 * the miner submits at a steady rate and is not saturated.
 */
const SOAK_TARGETS: DevnetOptions = { targetsPerEpoch: 20, initialDistanceThreshold: 0.8, epochMs: 30_000 };

/** What a miner's status events tell, as far as a soak looks at it. */
interface Status {
  readonly atMs: number;
  readonly samples: number;
  readonly submitted: number;
  readonly accepted: number;
  readonly claimed: number;
  readonly epoch?: string;
  readonly spawnToSubmitMs: { readonly p50?: number; readonly p99?: number };
}

/** One kind of memory over the run. */
interface Growth {
  readonly endMiB: number;
  /** Least squares over the second half, in which no data arrives and targets go on being taken. */
  readonly steadyMiBPerHour: number;
  /** Least squares over the second quarter, in which data arrives. */
  readonly fillingMiBPerHour: number;
}

/** Results of a soak. */
interface SoakResult extends JournalTotals {
  readonly bench: 'soak';
  readonly minutes: number;
  readonly samples: number;
  /** Over the second half. */
  readonly submissionsPerSecond: number;
  /** Over the second half: rewards fall due as fast as submissions are made, and claims must keep up with that. */
  readonly claimsPerSecond: number;
  /** Claims that were due at the end, and not made. */
  readonly claimsDue: number;
  /** From the moment a hit was possible to its submission on the wire: medians of the status events of the second half. */
  readonly spawnToSubmitMs: { readonly p50: number; readonly p99: number };
  readonly miner: Readonly<Record<'rss' | 'anonymous' | 'file' | 'heapUsed' | 'external' | 'arrayBuffers', Growth>>;
  /** The network's process, which keeps its history: not the miner's memory. */
  readonly devnetAnonymous: Growth;
  /** Growth of anonymous memory for each stored sample (scored under three models) while data arrived. */
  readonly anonymousBytesPerSample: number;
  /** What the store's index accounts for, measured by opening it. */
  readonly indexBytesPerSample: number;
  readonly storeFiles: { readonly samples: number; readonly rows: number; readonly modelSets: number };
  readonly warnings: number;
  /** Lines of the miner's standard error, where Node would report an unhandled rejection. */
  readonly complaints: readonly string[];
  readonly exitCode: number | null;
  /** From SIGINT to the end of the process. */
  readonly drainMs: number;
}

/** The `quarry` program of this build, from the sources and from `dist` alike. */
function quarryProgram(): string {
  const paths = ['../bin/quarry.js', '../../bin/quarry.js'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return paths.find((path) => existsSync(path)) ?? paths[0]!;
}

/** Starts `quarry mine` with the probe inside it. */
function startMiner(rpcUrl: string, signer: Keypair, dir: string, probeFile: string): ChildProcess {
  const probe = processEntry(new URL('./soak-probe.js', import.meta.url));
  const probeUrl = pathToFileURL(probe.path);
  probeUrl.searchParams.set('file', probeFile);
  probeUrl.searchParams.set('everyMs', String(LOOK_EVERY_MS));
  const args = ['mine', '--json', '--network', rpcUrl, '--state-dir', join(dir, 'state'), '--data', '-'];
  return spawn(
    process.execPath,
    [
      ...['--expose-gc', '--heapsnapshot-signal=SIGUSR2', ...probe.execArgv, '--import', probeUrl.href],
      ...[quarryProgram(), ...args, '--status-seconds', String(LOOK_EVERY_MS / 1000)],
    ],
    { cwd: dir, env: { ...process.env, SOMA_SECRET_KEY: signer.exportSecret('hex') }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
}

/** Writes fresh kilobytes to the miner at an even pace until the time is over, then ends its input. */
async function feed(miner: ChildProcess, exited: Promise<unknown>, forMs: number): Promise<void> {
  const until = performance.now() + forMs;
  for (let seed = 1; performance.now() < until && miner.exitCode === null; seed++) {
    if (miner.stdin?.write(variedBytes(SAMPLES_PER_SECOND, seed)) === false) {
      // Its end breaks the pipe.
      await Promise.race([once(miner.stdin, 'drain').catch(() => {}), exited]);
    }
    await sleep(1_000);
  }
  miner.stdin?.end();
}

function growth(points: readonly Point[], minutes: number): Growth {
  const [from, whole] = [points[0]?.atMs ?? 0, minutes * 60_000];
  const between = (a: number, b: number): Point[] =>
    points.filter(({ atMs }) => atMs - from >= a * whole && atMs - from < b * whole);
  return {
    endMiB: (points.at(-1)?.value ?? 0) / MIB,
    steadyMiBPerHour: slopePerHour(between(0.5, 2)) / MIB,
    fillingMiBPerHour: slopePerHour(between(0.25, 0.5)) / MIB,
  };
}

/** What the index of the finished store takes in memory, by its own account. */
async function indexOf(dir: string): Promise<{ bytesPerSample: number; files: SoakResult['storeFiles'] }> {
  const store = await openStore({
    dir: join(dir, 'state', 'store'),
    embeddingDim: RACE_CONFIG.embeddingDim,
    readonly: true,
  });
  try {
    store.prepare(store.models);
    const { memoryBytes, samples, models, modelSets } = storeInfo(store);
    const rows = models.reduce((sum, model) => sum + model.rows, 0);
    return { bytesPerSample: memoryBytes / samples, files: { samples, rows, modelSets } };
  } finally {
    await store.close();
  }
}

/**
 * Runs `quarry mine` against a network in a process of its own, with epochs of 30 s: data arrives during the first half,
 * targets are taken all the time. Ends the miner with SIGINT, as a user would.
 */
async function soak(minutes: number): Promise<SoakResult> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-soak-'));
  process.stderr.write(`state in ${dir}\n`);
  const models = await hostRaceModels(dir);
  const signer = Keypair.generate();
  const network = await startRaceNetwork(models, [signer], SOAK_TARGETS);
  const probeFile = join(dir, 'memory.ndjson');
  const miner = startMiner(network.rpcUrl, signer, dir, probeFile);
  process.stderr.write(`miner ${miner.pid}, network ${network.pid}\n`);
  // What it has not read when it ends is of no use.
  miner.stdin?.on('error', () => {});
  try {
    const statuses: Status[] = [];
    let warnings = 0;
    createInterface({ input: miner.stdout! }).on('line', (line) => {
      const told = JSON.parse(line) as { event: string } & Omit<Status, 'atMs'>;
      if (told.event === 'warning') warnings++;
      if (told.event === 'warning') process.stderr.write(`${line}\n`);
      if (told.event !== 'status' && told.event !== 'summary') return;
      statuses.push({ atMs: Date.now(), ...told });
    });
    const complaints: string[] = [];
    createInterface({ input: miner.stderr! }).on('line', (line) => {
      if (complaints.length < 20) complaints.push(line);
    });
    const devnet: Point[] = [];
    const look = setInterval(() => {
      const resident = residentOf(network.pid);
      if (resident !== undefined) devnet.push({ atMs: Date.now(), value: resident.anonymous });
    }, LOOK_EVERY_MS);
    const exited = once(miner, 'exit') as Promise<[number | null]>;
    void feed(miner, exited, minutes * 30_000);
    await Promise.race([exited, sleep(minutes * 60_000)]);
    clearInterval(look);

    const stopped = performance.now();
    miner.kill('SIGINT');
    const limit = setTimeout(() => miner.kill('SIGKILL'), DRAIN_LIMIT_MS);
    const [exitCode] = await exited;
    clearTimeout(limit);
    const drainMs = performance.now() - stopped;

    const samples = (await readFile(probeFile, 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as MemorySample);
    const of = (name: Exclude<keyof MemorySample, 'atMs'>): Growth =>
      growth(
        samples.map((sample) => ({ atMs: sample.atMs, value: sample[name] })),
        minutes,
      );
    const steady = statuses.slice(Math.floor(statuses.length / 2));
    const [first, last] = [steady[0], steady.at(-1)];
    const seconds = first === undefined || last === undefined ? 0 : (last.atMs - first.atMs) / 1000;
    const told = (name: 'p50' | 'p99'): number =>
      median(steady.map(({ spawnToSubmitMs }) => spawnToSubmitMs[name] ?? 0)) || 0;
    const anonymous = samples.map(({ atMs, anonymous: value }) => ({ atMs, value }));
    const filling = { from: 0.25 * minutes * 60_000, to: 0.5 * minutes * 60_000 };
    const index = await indexOf(dir);
    const journal = new Journal(join(dir, 'state', 'journal.db'), Date.now);
    const totals = journal.totals();
    const claimsDue = journal.claims.countDue(BigInt(last?.epoch ?? 0));
    journal.close();
    return {
      bench: 'soak',
      minutes,
      samples: last?.samples ?? 0,
      submissionsPerSecond: seconds > 0 ? (last!.submitted - first!.submitted) / seconds : 0,
      claimsPerSecond: seconds > 0 ? (last!.claimed - first!.claimed) / seconds : 0,
      claimsDue,
      spawnToSubmitMs: { p50: told('p50'), p99: told('p99') },
      ...totals,
      miner: {
        rss: of('rss'),
        anonymous: of('anonymous'),
        file: of('file'),
        heapUsed: of('heapUsed'),
        external: of('external'),
        arrayBuffers: of('arrayBuffers'),
      },
      devnetAnonymous: growth(devnet, minutes),
      anonymousBytesPerSample: bytesPerUnit(
        anonymous,
        statuses.map(({ atMs, samples: value }) => ({ atMs, value })),
        filling,
      ),
      indexBytesPerSample: index.bytesPerSample,
      storeFiles: index.files,
      warnings,
      complaints,
      exitCode,
      drainMs,
    };
  } finally {
    miner.kill('SIGKILL');
    await network.close();
    await models.close();
    if (!process.argv.includes('--keep')) await rm(dir, { recursive: true, force: true });
  }
}

const result = await soak(Number(process.argv[2] ?? 30));
process.stdout.write(
  `${JSON.stringify(result, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`,
);
const clean = result.exitCode === 130 && result.pending === 0 && result.complaints.length === 0;
if (!clean) process.stderr.write('the miner did not end cleanly\n');
process.exitCode = clean ? 0 : 1;
