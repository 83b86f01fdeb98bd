import type { Target } from '../../soma/client/decode/target.js';
import { MAX_OPEN_TARGETS } from '../../soma/client/read/list-targets.js';
import type { MatchTarget, ModelKey } from '../../store/index.js';

/** An open target and when and where the miner first saw it. */
export interface OpenTarget {
  readonly target: Target;
  /** When the miner first saw it, monotonic milliseconds. */
  readonly seenAt: number;
  /** URL of the fullnode that reported it. */
  readonly seenOn?: string | undefined;
}

/** The open targets, which of them are reserved by a submission, and which samples each has refused. */
export class OpenTargets {
  readonly #open = new Map<string, OpenTarget>();
  readonly #reserved = new Set<string>();
  #released = false;
  /** Sample ids not to be offered again, by target. */
  readonly #excluded = new Map<string, Set<number>>();

  get size(): number {
    return this.#open.size;
  }

  /** @returns false if the target is already known or {@link MAX_OPEN_TARGETS} is reached */
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

  /** Removes and returns the targets of epochs before `epoch`, which have expired. */
  expireBefore(epoch: bigint): Target[] {
    const expired = [...this.#open.values()].map(({ target }) => target).filter((t) => t.generationEpoch < epoch);
    for (const target of expired) this.remove(target.id);
    return expired;
  }

  /** Removes every target not in `ids`, a complete list of open targets. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of [...this.#open.keys()]) if (!ids.has(id)) this.remove(id);
  }

  /** Reserves a target for one submission; false if it is gone or already reserved. */
  reserve(targetId: string): boolean {
    if (!this.#open.has(targetId) || this.#reserved.has(targetId)) return false;
    this.#reserved.add(targetId);
    return true;
  }

  /** Ends a reservation. */
  release(targetId: string): void {
    if (this.#reserved.delete(targetId) && this.#open.has(targetId)) this.#released = true;
  }

  /** Whether a target was released or refused a sample since the last call, so that matching again may find a hit. */
  takeReleased(): boolean {
    const released = this.#released;
    this.#released = false;
    return released;
  }

  /** Excludes a sample from matches with this target. */
  exclude(targetId: string, sampleId: number): void {
    if (!this.#open.has(targetId)) return;
    this.#released = true;
    const refused = this.#excluded.get(targetId) ?? new Set();
    this.#excluded.set(targetId, refused.add(sampleId));
  }

  /** Clears all exclusions: they were made under limits or models that have changed. */
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

  /** Number of open targets that name each model. With `known`, counts only targets whose models are all in it. */
  demand(known?: ReadonlySet<string>): ReadonlyMap<string, number> {
    const demand = new Map<string, number>();
    for (const { target } of this.#open.values()) {
      if (known !== undefined && !target.modelIds.every((id) => known.has(id))) continue;
      for (const id of target.modelIds) demand.set(id, (demand.get(id) ?? 0) + 1);
    }
    return demand;
  }
}

/** A target in the form that the store matches; `undefined` if one of its models is not active. */
export function matchTarget(target: Target, keys: readonly ModelKey[] | undefined): MatchTarget | undefined {
  if (keys === undefined || keys.length === 0) return undefined;
  return { id: target.id, models: keys, embedding: target.embedding, threshold: target.distanceThreshold };
}
