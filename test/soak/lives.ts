import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { memoryNow } from '../../bench/soak-probe.js';
import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import { toQuarryError } from '../../src/errors/index.js';
import { type DataHost, HttpHost } from '../../src/hosting/index.js';
import { type AssembledMiner, createMiner } from '../../src/miner/index.js';
import { Keypair } from '../../src/soma/chain/index.js';
import type { LivesOptions, ToldByLives } from './lives-messages.js';

// A process of its own, so that its memory is a miner's and no network's: mines in lives of a minute until it is told to stop.

const LOOK_EVERY_MS = 5_000;
/** Share of the data host's answers that fail. */
const RUDE = 0.1;
const TRIES = 200;

const { network, secret, dir, data, lifeMs, seed } = JSON.parse(process.argv[2] ?? '{}') as LivesOptions;
const random = seededRandom(seed);
const signer = Keypair.fromText(secret);
const outcomes: Record<string, number> = {};
const failures: Record<string, number> = {};
let lives = 0;
const over = new AbortController();
process.once('message', () => over.abort());
const tell = (message: ToldByLives): void => void process.send?.(message);
const watching = setInterval(() => tell({ memory: memoryNow() }), LOOK_EVERY_MS);

const host = rude(await HttpHost.listen({ dir: join(dir, 'hosted'), port: 0 }));
while (!over.signal.aborted) {
  lives++;
  await live(await minerOf());
}
clearInterval(watching);
await host.close();
tell({ lives, outcomes, failures });
if (process.connected) await once(process, 'disconnect');
process.exit(0);

/** Mines for a minute. Nothing but the end that was asked for may end it. */
async function live({ miner, close }: AssembledMiner): Promise<void> {
  miner.events.on('outcome', ({ outcome: { kind } }) => count(outcomes, kind));
  miner.events.on('warning', ({ error }) => count(failures, error.code));
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), lifeMs);
  const end = (): void => stop.abort();
  over.signal.addEventListener('abort', end, { once: true });
  const failure = await miner.run({ signal: stop.signal }).then(
    () => (stop.signal.aborted ? undefined : 'it ended by itself'),
    (error: unknown) => toQuarryError(error, 'mining').message,
  );
  clearTimeout(timer);
  over.signal.removeEventListener('abort', end);
  if (failure !== undefined) count(failures, `ended: ${failure}`);
  await close();
}

/** A start may meet a lie, which is an error then; the user tries again. */
async function minerOf(): Promise<AssembledMiner> {
  for (let n = 1; ; n++) {
    try {
      return await createMiner({
        ...{ network, signer, data: [data], stateDir: join(dir, 'state'), host, maxInFlight: 4 },
        engine: { engine: 'auto', workers: 1, threads: 1 },
        distance: { engine: 'js' },
        untilIdle: false,
      });
    } catch (error) {
      if (n >= TRIES) throw error;
      await pause(200);
    }
  }
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
