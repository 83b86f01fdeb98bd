import { QuarryError } from '../../../errors/index.js';
import type { Digest } from '../../../soma/chain/digest.js';
import type { ObjectRef } from '../../../soma/chain/object-ref.js';

/**
 * The network's categories of rejections: `invalid` is immediate and final; `locked` by another transaction; `aborted`
 * is reported as retryable, although most of its causes are not.
 */
export type RejectionCategory = 'invalid' | 'locked' | 'aborted';

/** Rejection of a transaction before execution; nothing is charged. */
export class InputRejection extends QuarryError {
  override readonly name = 'InputRejection';
  readonly category: RejectionCategory;

  constructor(category: RejectionCategory, message: string) {
    super(category === 'locked' ? 'OBJECT_LOCKED' : 'TRANSACTION_REJECTED', message);
    this.category = category;
  }
}

/** An object reference as printed by the network. */
export function refText({ objectId, version, digest }: ObjectRef): string {
  return `(${objectId}, Version(${version}), o#${digest})`;
}

/** Rejection because another transaction holds a lock on the object. */
export function lockedBy(ref: ObjectRef, holder: Digest): InputRejection {
  return new InputRejection(
    'locked',
    `Object ${refText(ref)} already locked by a different transaction: TransactionDigest(${holder})`,
  );
}
