import type { HitPolicy } from '../src/store/index.js';
import { quantile } from './quantile.js';

/** A player's settings. */
export interface PlayerOptions {
  readonly policyOf: 'quarry' | 'quickstart';
  readonly rpcUrl: string;
  /** Hex. */
  readonly secret: string;
  /** Keeps the player's state. */
  readonly dir: string;
  /** A file to mine with. */
  readonly data: string;
  /** Scoring threads. Default 1. */
  readonly workers?: number | undefined;
  readonly durationMs: number;
  readonly policy?: HitPolicy | undefined;
  /** Only scores this many samples and submits nothing. */
  readonly untilSamples?: number | undefined;
}

/** What a player did. Times in milliseconds. */
export interface PlayerResult {
  readonly samples: number;
  readonly accepted: number;
  readonly failed: number;
  readonly warnings: readonly string[];
  readonly arrivalToWire: readonly number[];
  readonly spawnToAccepted: readonly number[];
}

/** One line of the race. Null where a policy has no such number. */
export interface RaceResult {
  readonly bench: 'race';
  readonly case: string;
  /** Rows in the store when the race began. */
  readonly rows: number;
  /** From the arrival of the checkpoint that carries a target to its submission on the wire. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** From the timestamp of that checkpoint to the answer that the submission was accepted. */
  readonly acceptedP50Ms: number | null;
  readonly acceptedP99Ms: number | null;
  readonly targetsPerMinute: number;
  /** Per sample ever scored, those in the store at the start included. */
  readonly targetsPerSample: number | null;
  /** Part of all targets taken, when both play. */
  readonly shareWhenCompeting: number | null;
  readonly accepted: number;
  /** Lost races and refusals. */
  readonly failed: number;
  readonly seconds: number;
}

/** A player's result as a line of the race. */
export function raceResult(
  name: string,
  { accepted, failed, samples, arrivalToWire, spawnToAccepted }: PlayerResult,
  race: {
    readonly rows: number;
    readonly scoredBefore: number;
    readonly seconds: number;
    readonly rival?: PlayerResult | undefined;
  },
): RaceResult {
  const scored = race.scoredBefore + samples;
  return {
    bench: 'race',
    case: name,
    rows: race.rows,
    p50Ms: quantile(arrivalToWire, 0.5) ?? null,
    p99Ms: quantile(arrivalToWire, 0.99) ?? null,
    acceptedP50Ms: quantile(spawnToAccepted, 0.5) ?? null,
    acceptedP99Ms: quantile(spawnToAccepted, 0.99) ?? null,
    targetsPerMinute: (accepted / race.seconds) * 60,
    targetsPerSample: scored === 0 ? null : accepted / scored,
    shareWhenCompeting: race.rival === undefined ? null : accepted / Math.max(1, accepted + race.rival.accepted),
    accepted,
    failed,
    seconds: race.seconds,
  };
}
