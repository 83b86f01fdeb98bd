import { rmSync } from 'node:fs';
import type { ScoringEngine } from '../../src/engine/contract.js';
import type { DataHost } from '../../src/hosting/index.js';
import { Journal } from '../../src/miner/journal/journal.js';
import { Miner } from '../../src/miner/miner.js';
import type { Keypair } from '../../src/soma/chain/index.js';
import type { SomaAccount } from '../../src/soma/client/account/soma-account.js';
import { SomaClient } from '../../src/soma/client/soma-client.js';
import type { Sample } from '../../src/sources/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import type { WeightsCache } from '../../src/weights/weights-cache.js';
import { type Faults, replaceSockets } from './faulty-transport.js';
import { Lifeline } from './lifeline.js';
import type { SimulatedNetwork } from './network.js';
import { simulatedStore } from './simulated-store.js';
import type { VirtualClock } from './virtual-clock.js';

export interface LifeDeps {
  readonly network: SimulatedNetwork;
  readonly clock: VirtualClock;
  readonly random: () => number;
}

export interface LifeOptions {
  readonly signer: Keypair;
  readonly journalPath: string;
  readonly faults: Faults;
  /** Steps after which it is killed. */
  readonly killAfter: number;
  /** Share of the host's answers that are failures. */
  readonly rudeHost: number;
}

/** One miner from its start until it is stopped or killed: the real one, on a simulated network, host and store. */
export class Life {
  readonly lifeline: Lifeline;
  readonly miner: Miner;
  readonly account: SomaAccount;
  readonly journal: Journal;
  readonly #client: SomaClient;
  readonly #stop = new AbortController();

  private constructor(client: SomaClient, { signer, journalPath, killAfter, rudeHost }: LifeOptions, deps: LifeDeps) {
    const { clock, random } = deps;
    this.#client = client;
    this.lifeline = new Lifeline(killAfter);
    this.journal = new Journal(journalPath, clock.now);
    this.account = client.account(signer, { parallel: 4, coinShannons: 50_000_000n });
    this.lifeline.death.addEventListener('abort', () => this.#stop.abort());
    this.miner = new Miner(
      // The bond of one sample and no more: nothing is composed.
      { config: MODEL_CONFIGS.small, maxInFlight: 4, maxBondShannons: 5_000n },
      {
        client,
        account: this.account,
        engine: ENGINE,
        weights: WEIGHTS,
        store: simulatedStore(random, clock.sleep),
        journal: this.lifeline.guard(this.journal),
        host: this.lifeline.guard(hostOf(rudeHost, deps)),
        samples: NO_SAMPLES,
        now: clock.now,
      },
    );
  }

  static async begin(options: LifeOptions, deps: LifeDeps): Promise<Life> {
    const { clock, random, network } = deps;
    const connecting = { url: 'http://127.0.0.1:9', probe: false };
    const client = await SomaClient.connect(connecting, { sleep: clock.sleep, now: clock.now, random });
    const life = new Life(client, options, deps);
    const { lifeline } = life;
    replaceSockets(client.context.transport, { network, clock, lifeline, random, faults: options.faults });
    return life;
  }

  /** Mines for the given time or until it is killed; a miner that survives is stopped as a user would. Returns how it ended. */
  async mine(ms: number, clock: VirtualClock): Promise<'killed' | 'stopped'> {
    const end: { error?: unknown; come?: boolean } = {};
    this.miner.run({ signal: this.#stop.signal }).then(
      () => {
        end.come = true;
      },
      (error: unknown) => {
        end.come = true;
        end.error = error;
      },
    );
    await clock.pass(ms, () => this.lifeline.dead || end.come === true);
    if (this.lifeline.dead) return 'killed';
    if (end.come === true) throw new Error('the miner ended by itself', { cause: end.error });
    this.#stop.abort();
    if (!(await clock.pass(300_000, () => end.come === true || this.lifeline.dead)))
      throw new Error('it does not stop');
    if (this.lifeline.dead) return 'killed';
    if (end.error !== undefined) throw new Error('the miner ended badly', { cause: end.error });
    return 'stopped';
  }

  /** Ends it as a kill would, and lets go of its file. */
  close(): void {
    this.lifeline.kill();
    this.#client.close();
    this.journal.close();
  }
}

/** Nothing is read: the store has what there is. */
const NO_SAMPLES: AsyncIterable<Sample> = (async function* () {})();

const ENGINE: ScoringEngine = {
  name: 'simulated',
  device: 'none',
  precision: 'f32',
  load: async (_weights, config) => ({
    config,
    errorBound: { loss: 1e-3, distance: 1e-3 },
    score: async () => [],
    close: async () => {},
  }),
  close: async () => {},
};

const WEIGHTS = {
  open: async () => ({ close: async () => {} }),
  prune: async () => [],
} as unknown as WeightsCache;

function hostOf(rude: number, { clock, random }: LifeDeps): DataHost {
  const answer = async (): Promise<void> => {
    await clock.sleep(random() * 200);
    if (random() < rude) throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
  };
  return {
    name: 'simulated',
    publish: async (checksum) => {
      await answer();
      return `https://host.example/${checksum}`;
    },
    publishFile: async (checksum) => `https://host.example/${checksum}`,
    remove: answer,
    close: async () => {},
  };
}

/** Removes a journal with its companions. */
export function removeJournal(path: string): void {
  for (const end of ['', '-wal', '-shm', '.mark']) rmSync(`${path}${end}`, { force: true });
}
