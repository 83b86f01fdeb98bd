import type { MemorySample } from '../../bench/soak-probe.js';

/** What the process with the miner is started with, as JSON. */
export interface LivesOptions {
  readonly network: string;
  readonly secret: string;
  /** Holds state, hosted data and the log; breaks now and then. */
  readonly dir: string;
  readonly data: string;
  readonly logFile: string;
  /** Interval at which a new miner is started, milliseconds. */
  readonly lifeMs: number;
  readonly seed: number;
}

/** Messages to the miner's process. */
export type ToldToLives = 'stop' | 'the disk breaks';

/** Messages of the miner's process: its memory now and then, and at the end its observations. */
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
