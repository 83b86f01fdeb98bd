import type { MemorySample } from '../../bench/soak-probe.js';

/** What the process with the miner is started with, as JSON. */
export interface LivesOptions {
  readonly network: string;
  readonly secret: string;
  /** Holds state and hosted data. */
  readonly dir: string;
  readonly data: string;
  /** A miner is started anew this often, milliseconds. */
  readonly lifeMs: number;
  readonly seed: number;
}

/** What the process with the miner tells: its memory now and then, and at the end what it saw. */
export type ToldByLives =
  | { readonly memory: MemorySample }
  | {
      readonly lives: number;
      readonly outcomes: Readonly<Record<string, number>>;
      readonly failures: Readonly<Record<string, number>>;
    };
