import type { Target } from '../../soma/client/decode/target.js';
import { MAX_OPEN_TARGETS } from '../../soma/client/read/list-targets.js';
import type { MatchTarget, ModelKey } from '../../store/index.js';

/** An open target as the miner keeps it. */
export interface OpenTarget {
  readonly target: Target;
  /** Monotonic milliseconds at which the miner learned of it. */
  readonly seenAt: number;
  /** The fullnode that told it. */
  readonly seenOn?: string | undefined;
}

/** Which targets are open, and who is at work on them. */
export class OpenTargets {
  readonly #open = new Map<string, OpenTarget>();
  readonly #reserved = new Set<string>();
  #released = false;
  /** Samples refused for a target, so that they are not offered again. */
  readonly #excluded = new Map<string, Set<number>>();

  get size(): number {
    return this.#open.size;
  }

  /** @returns whether the target was not known, and there was room for it */
  add(target: Target, seenAt: number, seenOn?: string): boolean {
    if (this.#open.has(target.id) || this.#open.size >= MAX_OPEN_TARGETS) return false;
    this.#open.set(target.id, { target, seenAt, seenOn });
    return true;
  }

  remove(targetId: string): void {
    this.#open.delete(targetId);
    this.#excluded.delete(targetId);
    this.#reserved.delete(targetId);
  }

  get(targetId: string): OpenTarget | undefined {
    return this.#open.get(targetId);
  }

  /** Forgets all targets of epochs before `epoch`; they expired. */
  expireBefore(epoch: bigint): Target[] {
    const expired = [...this.#open.values()].map(({ target }) => target).filter((t) => t.generationEpoch < epoch);
    for (const target of expired) this.remove(target.id);
    return expired;
  }

  /** Forgets every target that is not among `ids`: the node has just told all that are open. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of [...this.#open.keys()]) if (!ids.has(id)) this.remove(id);
  }

  /** Reserves a target for one submission; false when it is gone or already reserved. */
  reserve(targetId: string): boolean {
    if (!this.#open.has(targetId) || this.#reserved.has(targetId)) return false;
    this.#reserved.add(targetId);
    return true;
  }

  /** Gives a reserved target back. */
  release(targetId: string): void {
    if (this.#reserved.delete(targetId) && this.#open.has(targetId)) this.#released = true;
  }

  /** Whether an open target was given back, or refused a sample, since this was last asked: it may match again. */
  takeReleased(): boolean {
    const released = this.#released;
    this.#released = false;
    return released;
  }

  /** Never offers this sample for this target again. */
  exclude(targetId: string, sampleId: number): void {
    if (!this.#open.has(targetId)) return;
    this.#released = true;
    const refused = this.#excluded.get(targetId) ?? new Set();
    this.#excluded.set(targetId, refused.add(sampleId));
  }

  /** Offers samples again that were refused: they were judged by what no longer holds. */
  readmitExcluded(): void {
    this.#excluded.clear();
  }

  excluded(targetId: string): ReadonlySet<number> | undefined {
    return this.#excluded.get(targetId);
  }

  /** Open targets that are not reserved. */
  get available(): OpenTarget[] {
    return [...this.#open.values()].filter(({ target }) => !this.#reserved.has(target.id));
  }

  *targets(): Generator<Target, void, void> {
    for (const { target } of this.#open.values()) yield target;
  }

  /** How many open targets name each model; with `known`, only targets whose models are all among them count. */
  demand(known?: ReadonlySet<string>): ReadonlyMap<string, number> {
    const demand = new Map<string, number>();
    for (const { target } of this.#open.values()) {
      if (known !== undefined && !target.modelIds.every((id) => known.has(id))) continue;
      for (const id of target.modelIds) demand.set(id, (demand.get(id) ?? 0) + 1);
    }
    return demand;
  }
}

/** A target as the store searches for it; `undefined` when one of its models is unknown. */
export function matchTarget(target: Target, keys: readonly ModelKey[] | undefined): MatchTarget | undefined {
  if (keys === undefined || keys.length === 0) return undefined;
  return { id: target.id, models: keys, embedding: target.embedding, threshold: target.distanceThreshold };
}
