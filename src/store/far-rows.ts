import type { MatchPolicy, MatchTarget } from './match.js';
import type { SampleInput, StoredScore } from './store-types.js';

/** A sample that a remote store offers for a target. The checksum verifies its bytes; its scores are only claimed. */
export interface FarSample {
  readonly targetId: string;
  /** BLAKE2b-256 of the bytes. */
  readonly checksum: Uint8Array;
  /** Fetches the bytes and spot-checks the scores; undefined if the bytes are unavailable or the scores are wrong. */
  readonly fetch: () => Promise<Required<Pick<SampleInput, 'bytes' | 'origin'>> | undefined>;
  /** Scores under every model of the target, in its order. */
  readonly scores: readonly StoredScore[];
}

/** How to search remote stores. */
export interface FarPolicy extends Pick<MatchPolicy, 'pick' | 'margin' | 'lossErrorBound' | 'signal'> {
  /** Samples excluded for a target, by checksum in lowercase hex. */
  readonly exclude: (targetId: string) => Iterable<string>;
  /** Search only rows added since the last such search. Requires that the targets have been searched for before. */
  readonly freshOnly: boolean;
  /** Maximum parts of a composition; below 2 disables composing. */
  readonly maxParts: number;
  /** Prefer compositions with fewer parts. */
  readonly fewest: boolean;
}

/** Rows in stores on other machines, which search them locally and return only hits. */
export interface FarRows {
  /** Number of rows currently reachable. */
  readonly rows: number;
  /** Whether some remote samples are still waiting to be scored. */
  readonly busy: boolean;
  /** Whether there are new rows that have not been searched for the open targets. */
  readonly hasFresh: boolean;
  /**
   * Has a sample scored and kept remotely; false if it is too large for that. Absent if samples are kept locally.
   *
   * @throws QuarryError `ABORTED` when the signal fires
   */
  readonly keep?: ((sample: Uint8Array, signal: AbortSignal) => Promise<boolean>) | undefined;
  /**
   * Searches all remote stores.
   *
   * @param take called with hits, one at a time per target, in the order of the policy; returns true if the target
   *   needs no further ones
   */
  find(targets: readonly MatchTarget[], policy: FarPolicy, take: (found: FarSample) => Promise<boolean>): Promise<void>;
}
