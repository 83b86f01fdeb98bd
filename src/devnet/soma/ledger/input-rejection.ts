import { QuarryError } from '../../../errors/index.js';
import type { Digest } from '../../../soma/chain/digest.js';
import type { ObjectRef } from '../../../soma/chain/object-ref.js';

/**
 * How the network sorts refusals: `invalid` at once and for good, `locked` by another transaction, `aborted` counts as
 * worth another try although most of its reasons are not.
 */
export type RejectionCategory = 'invalid' | 'locked' | 'aborted';

/** A transaction that is refused before it executes: nothing is charged. */
export class InputRejection extends QuarryError {
  override readonly name = 'InputRejection';
  readonly category: RejectionCategory;

  constructor(category: RejectionCategory, message: string) {
    super(category === 'locked' ? 'OBJECT_LOCKED' : 'TRANSACTION_REJECTED', message);
    this.category = category;
  }
}

/** An object reference as the network prints it. */
export function refText({ objectId, version, digest }: ObjectRef): string {
  return `(${objectId}, Version(${version}), o#${digest})`;
}

/** The refusal of an object that another transaction holds. */
export function lockedBy(ref: ObjectRef, holder: Digest): InputRejection {
  return new InputRejection(
    'locked',
    `Object ${refText(ref)} already locked by a different transaction: TransactionDigest(${holder})`,
  );
}
