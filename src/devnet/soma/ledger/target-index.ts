import type { ObjectId } from '../../../soma/chain/id.js';
import type { TargetPayload } from '../../../soma/chain/target.js';
import type { LedgerObject } from './ledger-object.js';

/** Listing order of a target: by stored status, then generation epoch, then id. */
export interface TargetEntry {
  readonly objectId: ObjectId;
  readonly target: TargetPayload;
}

/** Position of a target in the listing order. */
export interface TargetPosition {
  readonly status: string;
  readonly generationEpoch: bigint;
  readonly objectId: ObjectId;
}

interface Bucket {
  readonly status: string;
  readonly generationEpoch: bigint;
  readonly entries: Map<ObjectId, TargetPayload>;
  /** Ids in order; cleared when the bucket changes. */
  sorted: ObjectId[] | undefined;
}

/** Live targets, sorted per bucket so that filling one target does not re-sort all others. */
export class TargetIndex {
  readonly #buckets = new Map<string, Bucket>();

  /** Adds a target; other objects are ignored. */
  add(object: LedgerObject): void {
    if (object.payload.type !== 'Target') return;
    const { target } = object.payload;
    const key = bucketKey(target);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      const { generationEpoch } = target;
      bucket = { status: target.status.kind, generationEpoch, entries: new Map(), sorted: undefined };
      this.#buckets.set(key, bucket);
    }
    if (!bucket.entries.has(object.objectId)) bucket.sorted = undefined;
    bucket.entries.set(object.objectId, target);
  }

  /** Removes a target; other objects are ignored. */
  remove(object: LedgerObject): void {
    if (object.payload.type !== 'Target') return;
    const key = bucketKey(object.payload.target);
    const bucket = this.#buckets.get(key);
    if (bucket?.entries.delete(object.objectId) !== true) return;
    bucket.sorted = undefined;
    if (bucket.entries.size === 0) this.#buckets.delete(key);
  }

  /** Targets in order, starting with `start`. */
  *from(start?: TargetPosition): Generator<TargetEntry> {
    const buckets = [...this.#buckets.values()].sort(compareBuckets);
    for (const bucket of buckets) {
      const order = start === undefined ? 1 : compareBuckets(bucket, start);
      if (order < 0) continue;
      bucket.sorted ??= [...bucket.entries.keys()].sort();
      for (const objectId of bucket.sorted) {
        if (order === 0 && start !== undefined && objectId < start.objectId) continue;
        const target = bucket.entries.get(objectId);
        if (target !== undefined) yield { objectId, target };
      }
    }
  }
}

function bucketKey(target: TargetPayload): string {
  return `${target.status.kind}/${target.generationEpoch}`;
}

type BucketOrder = Pick<TargetPosition, 'status' | 'generationEpoch'>;

function compareBuckets(a: BucketOrder, b: BucketOrder): number {
  if (a.status !== b.status) return a.status < b.status ? -1 : 1;
  if (a.generationEpoch !== b.generationEpoch) return a.generationEpoch < b.generationEpoch ? -1 : 1;
  return 0;
}
