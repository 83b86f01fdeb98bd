import { LatestMap } from '../../collections/latest-map.js';
import type { Scored } from './served-part.js';

/** What a score depends on besides the data. */
export interface ScoreSetting {
  /** Weights identity. */
  readonly identity: string;
  readonly seed: bigint;
  readonly precision: 'f32' | undefined;
}

/** LRU cache of scores. */
export class RememberedScores {
  readonly #scores: LatestMap<string, Scored>;

  /** @param most capacity */
  constructor(most: number) {
    this.#scores = new LatestMap(most);
  }

  get(setting: ScoreSetting, checksum: Uint8Array, sizeBytes: number): Scored | undefined {
    const key = keyOf(setting, checksum, sizeBytes);
    const scored = this.#scores.get(key);
    // Moves it to the most recently used end.
    if (scored !== undefined) this.#scores.set(key, scored);
    return scored;
  }

  set(setting: ScoreSetting, checksum: Uint8Array, sizeBytes: number, scored: Scored): void {
    this.#scores.set(keyOf(setting, checksum, sizeBytes), scored);
  }

  /** Removes the scores of samples under given weights, for every seed and precision. */
  forget(identity: string, checksums: readonly Uint8Array[]): void {
    const starts = new Set(checksums.map((checksum) => startOf(identity, checksum)));
    for (const key of [...this.#scores.keys()]) if (starts.has(key.slice(0, START))) this.#scores.delete(key);
  }
}

/** Characters of two 32-byte digests in hex with a space between them. */
const START = 129;

function startOf(identity: string, checksum: Uint8Array): string {
  return `${identity} ${Buffer.from(checksum).toString('hex')}`;
}

function keyOf({ identity, seed, precision }: ScoreSetting, checksum: Uint8Array, sizeBytes: number): string {
  return `${startOf(identity, checksum)} ${sizeBytes} ${seed} ${precision ?? 'own'}`;
}
