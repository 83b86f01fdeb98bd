import type { HitPolicy, MatchTarget } from '../../store/index.js';
import type { ScanHit } from './scan-wire.js';

/** Takes a hit of a target; false if the target needs another one. */
type Take = (hit: ScanHit, target: MatchTarget) => Promise<boolean>;

/** The hits of one target. */
interface Offered {
  readonly target: MatchTarget;
  readonly hits: ScanHit[];
  /** Whether one of them was taken, once all offered so far have been. */
  isTaken: Promise<boolean>;
}

/** Offers the hits of a search, one at a time per target, until one of them is taken. */
export class HitOffers {
  readonly #pick: HitPolicy;
  readonly #take: Take;
  readonly #byTarget = new Map<string, Offered>();

  /** @param pick `first` offers each hit as it arrives; the other policies rank all hits at the end */
  constructor(pick: HitPolicy, take: Take) {
    this.#pick = pick;
    this.#take = take;
  }

  add(hit: ScanHit, target: MatchTarget | undefined): void {
    if (target === undefined) return;
    const offered = this.#byTarget.get(target.id) ?? { target, hits: [], isTaken: Promise.resolve(false) };
    this.#byTarget.set(target.id, offered);
    offered.hits.push(hit);
    if (this.#pick === 'first') {
      offered.isTaken = offered.isTaken.then((isTaken) => isTaken || this.#take(hit, target));
    }
    // Its rejection is reported by `end`.
    offered.isTaken.catch(() => {});
  }

  /** Offers what has not been, and waits for all offers. */
  async end(): Promise<void> {
    await Promise.all([...this.#byTarget.values()].map((offered) => this.#endOne(offered)));
  }

  async #endOne({ target, hits, isTaken }: Offered): Promise<void> {
    if ((await isTaken) || this.#pick === 'first') return;
    const isCheapest = this.#pick === 'cheapest';
    hits.sort((a, b) => (isCheapest ? a.sizeBytes - b.sizeBytes : 0) || a.distance - b.distance);
    for (const hit of hits) if (await this.#take(hit, target)) return;
  }
}
