import type { Address, ObjectId } from '../../../soma/chain/id.js';
import type { ObjectRef } from '../../../soma/chain/object-ref.js';
import type { TransactionData } from '../../../soma/chain/transaction/index.js';
import { InputRejection, refText } from './input-rejection.js';
import { kindInputs } from './kind-inputs.js';
import { digestOf, type LedgerObject, ownerAddress } from './ledger-object.js';
import type { ObjectStore } from './object-store.js';

/** Where to look up inputs. */
export type InputSource = Pick<ObjectStore, 'get' | 'deletedAt'>;

/** A transaction's inputs as found in the ledger. */
export interface ResolvedInputs {
  readonly inputs: ReadonlyMap<ObjectId, LedgerObject>;
  /** Shared inputs that were deleted, with the version that deleted them. */
  readonly deletedShared: ReadonlyMap<ObjectId, bigint>;
}

/** All owned objects that a transaction consumes, without duplicates: those of its kind, then gas coins. */
export function ownedInputs(data: TransactionData): readonly ObjectRef[] {
  const named = kindInputs(data.kind).owned;
  const ids = new Set(named.map((each) => each.objectId));
  return [...named, ...data.gasPayment.filter((each) => !ids.has(each.objectId))];
}

/**
 * Checks that a transaction's inputs match the ledger and belong to its sender, before execution.
 *
 * @throws InputRejection for duplicates, missing or stale objects, wrong digests, foreign owners and unusable gas
 */
export function resolveInputs(store: InputSource, data: TransactionData): ResolvedInputs {
  const { owned, shared } = kindInputs(data.kind);
  for (const refs of [owned, data.gasPayment]) {
    if (new Set(refs.map((each) => each.objectId)).size !== refs.length) {
      throw new InputRejection('aborted', "The transaction inputs contain duplicated ObjectRef's");
    }
  }
  if (data.gasPayment.length === 0) throw new InputRejection('aborted', 'Gas payment error No gas payment provided');
  const inputs = new Map<ObjectId, LedgerObject>();
  for (const ref of [...owned, ...data.gasPayment]) inputs.set(ref.objectId, ownedInput(store, ref, data.sender));
  for (const { objectId } of data.gasPayment) {
    if (inputs.get(objectId)?.payload.type !== 'Coin') {
      throw new InputRejection('aborted', `Gas payment error Gas object ${objectId} is not a coin`);
    }
  }
  const deletedShared = new Map<ObjectId, bigint>();
  for (const { objectId, initialSharedVersion } of shared) {
    const object = store.get(objectId);
    const deletedAt = store.deletedAt(objectId);
    if (object !== undefined) {
      if (object.owner.kind !== 'shared')
        throw new InputRejection('aborted', `Object ${objectId} is not a shared object`);
      inputs.set(objectId, object);
    } else if (deletedAt !== undefined) deletedShared.set(objectId, deletedAt);
    else throw notFound(objectId, initialSharedVersion);
  }
  return { inputs, deletedShared };
}

function notFound(objectId: ObjectId, version: bigint): InputRejection {
  const text = `Could not find the referenced object ${objectId} at version Some(Version(${version}))`;
  return new InputRejection('aborted', text);
}

function ownedInput(store: InputSource, ref: ObjectRef, sender: Address): LedgerObject {
  const object = store.get(ref.objectId);
  if (object === undefined || ref.version > object.version) throw notFound(ref.objectId, ref.version);
  if (ref.version < object.version) {
    throw new InputRejection(
      'invalid',
      `Object ${refText(ref)} is not available for consumption, its current version: Version(${object.version})`,
    );
  }
  if (digestOf(object) !== ref.digest) {
    throw new InputRejection(
      'aborted',
      `Invalid Object digest for object ${ref.objectId}. Expected digest : o#${digestOf(object)}`,
    );
  }
  const owner = ownerAddress(object);
  if (owner === undefined) throw new InputRejection('aborted', `Object ${ref.objectId} is a shared object, not owned`);
  if (owner !== sender) {
    throw new InputRejection(
      'aborted',
      `Object ${ref.objectId} is owned by account address ${owner}, but given owner/signer address is ${sender}`,
    );
  }
  return object;
}
