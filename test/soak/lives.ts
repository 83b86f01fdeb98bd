import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { memoryNow } from '../../bench/soak-probe.js';
import { silentContext } from '../../src/cli/command-reference.js';
import { MiningReporter } from '../../src/cli/mining/mining-reporter.js';
import { openLog } from '../../src/cli/mining/open-log.js';
import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import { type ErrorCode, toQuarryError } from '../../src/errors/index.js';
import { type DataHost, HttpHost } from '../../src/hosting/index.js';
import { type AssembledMiner, createMiner } from '../../src/miner/index.js';
import { Keypair } from '../../src/soma/chain/index.js';
import type { LivesOptions, ToldByLives, ToldToLives } from './lives-messages.js';

// A separate process, so that its memory is only the miner's: mines in lives of a minute until it is stopped.

const LOOK_EVERY_MS = 5_000;
/** Share of the data host's answers that fail. */
const RUDE = 0.1;
const TRIES = 400;
/** Lives between those that begin without weights, and download them again. */
const FORGETFUL = 8;
/** What a miner may end with when its disk breaks: it promises nothing that it cannot write down. */
const OF_THE_DISK: readonly ErrorCode[] = ['DISK_FULL', 'FILE_UNREADABLE'];

const { network, secret, dir, data, logFile, lifeMs, seed } = JSON.parse(process.argv[2] ?? '{}') as LivesOptions;
const random = seededRandom(seed);
const signer = Keypair.fromText(secret);
const stateDir = join(dir, 'state');
const counts = {
  outcomes: {} as Record<string, number>,
  warnings: {} as Record<string, number>,
  diskEnds: {} as Record<string, number>,
  models: {} as Record<string, number>,
};
const faults: string[] = [];
let lives = 0;
let hostFailures = 0;
/** Whether the disk broke in this life, or the one before, whose files it left as they are. */
const struck = { now: false, before: false };
const over = new AbortController();
process.on('message', (told: ToldToLives) => {
  if (told === 'stop') over.abort();
  else struck.now = true;
});
const tell = (message: ToldByLives): void => void process.send?.(message);
const watching = setInterval(() => tell({ memory: memoryNow() }), LOOK_EVERY_MS);

const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
const context = {
  ...silentContext(),
  ...{ stdout: nowhere, stderr: nowhere },
  onHangup: (listener: () => void) => process.on('SIGHUP', listener),
};
const reporter = new MiningReporter(context, { json: true, statusSeconds: 2 });
const logger = openLog(
  context,
  { logFile, logLevel: 'debug', logRotateMib: 0.25, logRotateHours: 1, logKeep: 2 },
  reporter,
);

const host = rude(await HttpHost.listen({ dir: join(dir, 'hosted'), port: 0 }));
while (!over.signal.aborted) {
  if (lives++ % FORGETFUL === 0) {
    await rm(join(stateDir, 'weights'), { recursive: true, force: true }).catch((error: unknown) => failed(error));
  }
  const assembled = await minerOf();
  if (assembled !== undefined) await live(assembled);
  struck.before = struck.now;
  struck.now = false;
}
clearInterval(watching);
await host.close();
tell({ lives, ...counts, faults, hostFailures });
if (process.connected) await once(process, 'disconnect');
process.exit(0);

/** Mines for a minute. Nothing but the end that was asked for may end it, and a disk that breaks. */
async function live({ miner, close }: AssembledMiner): Promise<void> {
  reporter.attach(miner, logger);
  let hasStarted = false;
  miner.events.once('started', () => {
    hasStarted = true;
  });
  miner.events.on('outcome', ({ outcome: { kind } }) => count(counts.outcomes, kind));
  miner.events.on('model', ({ state, error }) => {
    if (state !== 'fetching') count(counts.models, error?.code ?? state);
    if (error?.code === 'INTERNAL') faults.push(`a model failed by a fault of ours: ${error.message}`);
  });
  miner.events.on('warning', ({ error }) => {
    count(counts.warnings, error.code);
    if (error.code === 'INTERNAL') faults.push(`a warning of a fault of ours: ${error.message}`);
  });
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), lifeMs);
  const end = (): void => stop.abort();
  over.signal.addEventListener('abort', end, { once: true });
  await miner.run({ signal: stop.signal }).then(
    () => {
      if (!stop.signal.aborted) faults.push('a miner ended by itself');
    },
    // A start may meet a lie.
    (error: unknown) => (hasStarted ? failed(error) : failedToStart(error)),
  );
  clearTimeout(timer);
  over.signal.removeEventListener('abort', end);
  reporter.detach();
  await close().catch((error: unknown) => failed(error));
}

/** What a life, its start or its close failed with. */
function failed(error: unknown): void {
  const { code, message, details } = toQuarryError(error, 'mining');
  if ((struck.now || struck.before) && OF_THE_DISK.includes(code)) count(counts.diskEnds, code);
  else faults.push(`a life ended: ${code} ${message} ${JSON.stringify(details)}`);
}

function failedToStart(error: unknown): void {
  const { code, message, cause } = toQuarryError(error, 'starting');
  count(counts.warnings, `start: ${code}`);
  if (code === 'INTERNAL') faults.push(`a start failed by a fault of ours: ${message} ${String(cause)}`);
}

/** A start may meet a lie or a broken disk, which is an error then; the user tries again. */
async function minerOf(): Promise<AssembledMiner | undefined> {
  for (let n = 1; !over.signal.aborted; n++) {
    try {
      return await createMiner({
        ...{ network, signer, data: [data], stateDir, host, maxInFlight: 4 },
        engine: { engine: 'auto', workers: 1, threads: 1 },
        distance: { engine: 'js' },
        untilIdle: false,
      });
    } catch (error) {
      failedToStart(error);
      if (n >= TRIES) throw error;
      await pause(200);
    }
  }
  return undefined;
}

function rude(honest: DataHost): DataHost {
  const answer = async <T>(call: () => Promise<T>): Promise<T> => {
    if (random() < RUDE) {
      hostFailures++;
      throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
    }
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

function count(counted: Record<string, number>, name: string): void {
  counted[name] = (counted[name] ?? 0) + 1;
}
