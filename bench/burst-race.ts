import { once } from 'node:events';
import type { DevnetOptions } from '../src/devnet/soma/index.js';
import { QuarryError } from '../src/errors/index.js';
import { type AssembledMiner, createMiner } from '../src/miner/index.js';
import { Keypair } from '../src/soma/chain/index.js';
import { SomaClient } from '../src/soma/client/soma-client.js';
import { RaceClock } from './race-clock.js';
import { RACE_CONFIG, type RaceModels, startRaceNetwork } from './race-network.js';

/** A miner at work on a network in another process, and what times it. */
export interface BurstRace {
  readonly assembled: AssembledMiner;
  readonly clock: RaceClock;
  /** What the miner complained about. */
  readonly warnings: readonly string[];
  /** Ends the epoch: its targets open in one checkpoint. */
  nextEpoch(): Promise<void>;
  close(): Promise<void>;
}

/** Longest wait for anything that a race waits for. */
const PATIENCE_MS = 60_000;

/** Waits until `done` holds, which is asked again at every event of the miner. */
export async function untilEvent(
  { assembled, warnings }: Pick<BurstRace, 'assembled' | 'warnings'>,
  event: 'outcome' | 'claimed',
  done: () => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const either = signal === undefined ? patience : AbortSignal.any([signal, patience]);
  try {
    while (!done()) await once(assembled.miner.events, event, { signal: either });
  } catch (error) {
    if (!patience.aborted) throw error;
    const said = warnings.length > 0 ? `: ${[...new Set(warnings)].join('; ')}` : '';
    throw new QuarryError('TIMEOUT', `waited in vain for the next ${event}${said}`);
  }
}

/** Starts a network with targets as `network` says, and a miner over the store below `stateDir`. */
export async function startBurstRace(models: RaceModels, stateDir: string, network: DevnetOptions): Promise<BurstRace> {
  const signer = Keypair.generate();
  const devnet = await startRaceNetwork(models, [signer], network);
  const client = await SomaClient.connect({ url: devnet.rpcUrl, adminUrl: devnet.adminUrl });
  const assembled = await createMiner({
    network: client,
    signer,
    config: RACE_CONFIG,
    samples: noSamples(),
    stateDir,
    engine: { engine: 'auto', workers: 1, threads: 1 },
    distance: { engine: 'auto', threads: 1 },
    cutting: { sampleBytes: RACE_CONFIG.sequenceLength },
  });
  const clock = new RaceClock(client, assembled.miner);
  const warnings: string[] = [];
  assembled.miner.events.on('warning', ({ error }) => warnings.push(error.message));
  const running = assembled.miner.run();
  return {
    assembled,
    clock,
    warnings,
    async nextEpoch() {
      await client.advanceEpoch();
    },
    async close() {
      assembled.miner.stop();
      await running;
      await assembled.close();
      client.close();
      await devnet.close();
    },
  };
}

/** All rows are in the store already. */
async function* noSamples(): AsyncGenerator<never> {}
