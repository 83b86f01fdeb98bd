import type { MatchPolicy, MatchTarget } from './match.js';
import type { SampleInput, StoredScore } from './store-types.js';

/** A sample that a store elsewhere has for a target: its bytes are what its checksum says, its scores are hearsay. */
export interface FarSample {
  readonly targetId: string;
  /** BLAKE2b-256 of the bytes. */
  readonly checksum: Uint8Array;
  /** Fetches the bytes, and checks what is said of them; undefined when they cannot be had or it is not so. */
  readonly fetch: () => Promise<Required<Pick<SampleInput, 'bytes' | 'origin'>> | undefined>;
  /** Under every model of the target, in its order. */
  readonly scores: readonly StoredScore[];
}

/** How stores elsewhere are searched. */
export interface FarPolicy extends Pick<MatchPolicy, 'pick' | 'margin' | 'lossErrorBound' | 'signal'> {
  /** Samples that are not wanted for a target, by checksum in lowercase hex. */
  readonly exclude: (targetId: string) => Iterable<string>;
  /** Only rows that came since the last such search, for targets that were searched for before. */
  readonly freshOnly: boolean;
  /** Compositions may have so many parts; below 2: none are wanted. */
  readonly maxParts: number;
  /** Fewest parts first. */
  readonly fewest: boolean;
}

/** Rows in stores on other machines: searched there, so that only what hits comes here. */
export interface FarRows {
  /** Rows that can be reached now. */
  readonly rows: number;
  /** Whether more are on their way: samples that were taken in and not scored yet. */
  readonly busy: boolean;
  /** Whether rows came that were not searched yet for targets that are open. */
  readonly hasFresh: boolean;
  /**
   * Has a sample scored and kept elsewhere; false when it is too large for that. Absent where samples are kept here.
   *
   * @throws QuarryError `ABORTED` when the signal fires
   */
  readonly keep?: ((sample: Uint8Array, signal: AbortSignal) => Promise<boolean>) | undefined;
  /**
   * Searches all of them.
   *
   * @param take given what hits, one after the other for each target, best first as far as the policy asks for that; says
   *   whether the target needs no further one
   */
  find(targets: readonly MatchTarget[], policy: FarPolicy, take: (found: FarSample) => Promise<boolean>): Promise<void>;
}
