import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMiner } from '../src/miner/index.js';
import { Keypair } from '../src/soma/chain/index.js';
import { SomaClient } from '../src/soma/client/soma-client.js';
import { hostRaceModels, startRaceNetwork } from './race-network.js';
import { variedBytes } from './varied-bytes.js';

/** Resident memory is looked at this often, in milliseconds. */
const LOOK_EVERY_MS = 2_000;
/** Part of the run in which caches fill; the slope is taken over the rest. */
const WARM_UP = 0.25;

/** What a soak came to. */
interface SoakResult {
  readonly bench: 'soak';
  readonly minutes: number;
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly claimed: number;
  readonly rssMiB: number;
  /** Least squares over the run after its first quarter. */
  readonly rssSlopeMiBPerHour: number;
  readonly unhandledRejections: number;
  readonly warnings: number;
  /** From SIGINT to the end of `run`, with nothing left unsettled. */
  readonly drainMs: number;
  readonly pending: number;
}

function slopePerHour(points: readonly (readonly [ms: number, mib: number])[]): number {
  const n = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return (over / under) * 3_600_000;
}

/** Mines a network with epochs of 30 s for so many minutes, then stops by SIGINT as a user would. */
async function soak(minutes: number): Promise<SoakResult> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-soak-'));
  const models = await hostRaceModels(dir);
  const signer = Keypair.generate();
  const network = await startRaceNetwork(models, [signer], { epochMs: 30_000 });
  let unhandledRejections = 0;
  process.on('unhandledRejection', () => unhandledRejections++);
  const data = join(dir, 'data.bin');
  await writeFile(data, variedBytes(Math.ceil(minutes * 1_000), 1));
  const client = await SomaClient.connect({ url: network.rpcUrl });
  const stateDir = join(dir, 'state');
  const assembled = await createMiner({ network: client, signer, data: [data], stateDir });
  const stop = new AbortController();
  let stoppedAt = 0;
  process.once('SIGINT', () => {
    stoppedAt = performance.now();
    stop.abort();
  });
  let warnings = 0;
  assembled.miner.events.on('warning', () => warnings++);
  const points: [number, number][] = [];
  const began = performance.now();
  const look = setInterval(() => {
    points.push([performance.now() - began, process.memoryUsage.rss() / 2 ** 20]);
  }, LOOK_EVERY_MS);
  setTimeout(() => process.kill(process.pid, 'SIGINT'), minutes * 60_000);
  try {
    const { accepted, lost, rejected, unknown, claimed } = await assembled.miner.run({ signal: stop.signal });
    const drainMs = performance.now() - stoppedAt;
    clearInterval(look);
    const { pending } = assembled.journal.totals();
    const settled = points.slice(Math.floor(points.length * WARM_UP));
    const rssMiB = points.at(-1)?.[1] ?? 0;
    const counts = { accepted, lost, rejected, unknown, claimed };
    const memory = { rssMiB, rssSlopeMiBPerHour: slopePerHour(settled) };
    return { bench: 'soak', minutes, ...counts, ...memory, unhandledRejections, warnings, drainMs, pending };
  } finally {
    await assembled.close();
    client.close();
    await network.close();
    await models.close();
    await rm(dir, { recursive: true, force: true });
  }
}

process.stdout.write(`${JSON.stringify(await soak(Number(process.argv[2] ?? 30)))}\n`);
