import type { Digest } from '../../../soma/chain/digest.js';
import type {
  ExecutionFailure,
  ObjectChange,
  TransactionEffects,
  TransactionFee,
  UnchangedSharedObject,
} from '../../../soma/chain/effects/index.js';
import type { Address, ObjectId } from '../../../soma/chain/id.js';
import { coinBalance, digestOf, type LedgerObject, ownerAddress } from './ledger-object.js';
import type { TransactionContext } from './transaction-context.js';

/** Result of executing one transaction. */
export interface ExecutionOutcome {
  readonly effects: TransactionEffects;
  /** Live objects written, at their new versions. */
  readonly written: readonly LedgerObject[];
  readonly deleted: readonly ObjectId[];
  /** Inputs at the versions consumed. */
  readonly inputs: readonly LedgerObject[];
  /** Balance change of each owner in shannons, including fees; owners without a change are omitted. */
  readonly balanceChanges: ReadonlyMap<Address, bigint>;
}

/** The version of every object written: one more than the highest input version. */
function lamportVersion(inputs: Iterable<LedgerObject>): bigint {
  let highest = 0n;
  for (const { version } of inputs) if (version > highest) highest = version;
  return highest + 1n;
}

/** Converts a context's writes to effects and sets the version and previous transaction of every written object. */
export function outcomeOf(
  context: TransactionContext,
  failure: ExecutionFailure | undefined,
  fee: TransactionFee,
  deletedShared: ReadonlyMap<ObjectId, bigint>,
): ExecutionOutcome {
  const version = lamportVersion(context.inputs.values());
  const written = [...context.written.values()].map(
    (object): LedgerObject => ({ ...object, version, previousTransaction: context.digest }),
  );
  // An object created and deleted by the same transaction does not appear in the effects.
  const deleted = [...context.deleted].filter((id) => context.inputs.has(id));
  const changes: ObjectChange[] = [
    ...written.map((object) => writtenChange(context, object)),
    ...deleted.map((id) => deletedChange(context.inputs.get(id)!)),
  ];
  changes.sort((a, b) => (a.objectId < b.objectId ? -1 : 1));
  const gasIndex = changes.findIndex((change) => change.objectId === context.gasCoinId);
  const dependencies = new Set<Digest>();
  for (const input of context.inputs.values()) dependencies.add(input.previousTransaction);
  const effects: TransactionEffects = {
    status: failure === undefined ? { kind: 'success' } : { kind: 'failure', error: failure },
    executedEpoch: context.epoch,
    fee,
    transactionDigest: context.digest,
    gasObjectIndex: gasIndex < 0 ? undefined : gasIndex,
    dependencies: [...dependencies].sort(),
    lamportVersion: version,
    changedObjects: changes,
    unchangedSharedObjects: [...deletedShared].map(
      ([objectId, deletedAt]): UnchangedSharedObject => ({ objectId, version: deletedAt, kind: 'mutateDeleted' }),
    ),
  };
  return {
    effects,
    written,
    deleted,
    inputs: [...context.inputs.values()],
    balanceChanges: balanceChanges(context, written, deleted),
  };
}

function existed(object: LedgerObject): ObjectChange['input'] {
  return { kind: 'exist', version: object.version, digest: digestOf(object), owner: object.owner };
}

function writtenChange(context: TransactionContext, object: LedgerObject): ObjectChange {
  const before = context.inputs.get(object.objectId);
  return {
    objectId: object.objectId,
    input: before === undefined ? { kind: 'notExist' } : existed(before),
    output: { kind: 'objectWrite', digest: digestOf(object), owner: object.owner },
    idOperation: before === undefined ? 'created' : 'none',
  };
}

function deletedChange(before: LedgerObject): ObjectChange {
  return {
    objectId: before.objectId,
    input: existed(before),
    output: { kind: 'notExist' },
    idOperation: 'deleted',
  };
}

function balanceChanges(
  context: TransactionContext,
  written: readonly LedgerObject[],
  deleted: readonly ObjectId[],
): ReadonlyMap<Address, bigint> {
  const changes = new Map<Address, bigint>();
  const add = (object: LedgerObject | undefined, sign: bigint) => {
    const owner = object === undefined ? undefined : ownerAddress(object);
    if (object === undefined || owner === undefined || object.payload.type !== 'Coin') return;
    changes.set(owner, (changes.get(owner) ?? 0n) + sign * coinBalance(object));
  };
  for (const object of written) {
    add(context.inputs.get(object.objectId), -1n);
    add(object, 1n);
  }
  for (const id of deleted) add(context.inputs.get(id), -1n);
  for (const [address, amount] of changes) if (amount === 0n) changes.delete(address);
  return changes;
}
