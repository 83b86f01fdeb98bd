import type { Address, ObjectId } from '../../../soma/chain/id.js';
import type { ExecutionOutcome } from './execution-outcome.js';
import { type LedgerObject, ownerAddress } from './ledger-object.js';
import { TargetIndex } from './target-index.js';

/** Past versions kept of each object. */
const VERSIONS_KEPT = 32;
/** Number of deleted objects remembered as deleted; older ones appear as never existing. */
const DELETIONS_KEPT = 100_000;

/** All objects: live ones by id, owner and, for targets, status; recent past versions; deletion versions. */
export class ObjectStore {
  readonly #live = new Map<ObjectId, LedgerObject>();
  readonly #past = new Map<ObjectId, LedgerObject[]>();
  readonly #deletedAt = new Map<ObjectId, bigint>();
  readonly #byOwner = new Map<Address, Map<ObjectId, LedgerObject>>();
  /** Live targets in listing order. */
  readonly targets = new TargetIndex();

  /** The live version of an object. */
  get(id: ObjectId): LedgerObject | undefined {
    return this.#live.get(id);
  }

  /** A given version of an object, if it is live or still kept. */
  getVersion(id: ObjectId, version: bigint): LedgerObject | undefined {
    const live = this.#live.get(id);
    if (live?.version === version) return live;
    return this.#past.get(id)?.find((each) => each.version === version);
  }

  /** The version at which an object was deleted. */
  deletedAt(id: ObjectId): bigint | undefined {
    return this.#deletedAt.get(id);
  }

  /** The live objects of an owner, in no particular order. */
  ownedBy(owner: Address): Iterable<LedgerObject> {
    return this.#byOwner.get(owner)?.values() ?? [];
  }

  /** All live objects. */
  all(): Iterable<LedgerObject> {
    return this.#live.values();
  }

  /** Commits an outcome's writes and deletions. */
  commit(outcome: Pick<ExecutionOutcome, 'written' | 'deleted' | 'effects'>): void {
    for (const object of outcome.written) {
      this.#retire(object.objectId);
      this.#live.set(object.objectId, object);
      const owner = ownerAddress(object);
      if (owner !== undefined) {
        let owned = this.#byOwner.get(owner);
        if (owned === undefined) {
          owned = new Map();
          this.#byOwner.set(owner, owned);
        }
        owned.set(object.objectId, object);
      }
      this.targets.add(object);
    }
    for (const id of outcome.deleted) {
      this.#retire(id);
      this.#live.delete(id);
      this.#past.delete(id);
      this.#deletedAt.set(id, outcome.effects.lamportVersion);
    }
    for (const id of this.#deletedAt.keys()) {
      if (this.#deletedAt.size <= DELETIONS_KEPT) break;
      this.#deletedAt.delete(id);
    }
  }

  #retire(id: ObjectId): void {
    const before = this.#live.get(id);
    if (before === undefined) return;
    const owner = ownerAddress(before);
    if (owner !== undefined) this.#byOwner.get(owner)?.delete(id);
    this.targets.remove(before);
    const past = this.#past.get(id) ?? [];
    past.push(before);
    if (past.length > VERSIONS_KEPT) past.shift();
    this.#past.set(id, past);
  }
}
