import type { MemorySample } from '../../bench/soak-probe.js';

/** What the process with the miner is started with, as JSON. */
export interface LivesOptions {
  readonly network: string;
  readonly secret: string;
  /** Holds state, hosted data and the log; breaks now and then. */
  readonly dir: string;
  readonly data: string;
  readonly logFile: string;
  /** A miner is started anew this often, milliseconds. */
  readonly lifeMs: number;
  readonly seed: number;
}

/** What the process with the miner is told. */
export type ToldToLives = 'stop' | 'the disk breaks';

/** What the process with the miner tells: its memory now and then, and at the end what it saw. */
export type ToldByLives =
  | { readonly memory: MemorySample }
  | {
      readonly lives: number;
      readonly outcomes: Readonly<Record<string, number>>;
      /** Warnings by error code. */
      readonly warnings: Readonly<Record<string, number>>;
      /** Lives, starts and closes that the disk ended, by error code; ordinary while it is broken. */
      readonly diskEnds: Readonly<Record<string, number>>;
      /** What no fault may bring about. */
      readonly faults: readonly string[];
      /** Models that became ready, and failures to fetch or load one by error code. */
      readonly models: Readonly<Record<string, number>>;
      /** Answers of the data host that were made to fail. */
      readonly hostFailures: number;
    };
