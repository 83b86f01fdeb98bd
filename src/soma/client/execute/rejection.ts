import { status } from '@grpc/grpc-js';
import { QuarryError } from '../../../errors/index.js';
import { type Digest, isId, normaliseId, type ObjectId } from '../../chain/index.js';
import { GrpcError } from '../transport/index.js';

// The node distinguishes these cases only by message text, which is parsed only here. SOMA protocol, errors of
// ExecuteTransaction: object references print as `(0x…, Version(n), o#…)`.
const REFERENCE = /Object \((0x[0-9a-fA-F]{1,64}), Version\((\d+)\)/;
const LOCKED = /already locked|ObjectLockConflict|because of locked objects/;
const LOCKED_BY = /TransactionDigest\(([1-9A-HJ-NP-Za-km-z]{32,44})\)/;
const STALE = /not available for consumption/;
const CURRENT_VERSION = /current version: Version\((\d+)\)/;
const UNKNOWN_REFERENCE =
  /Could not find the referenced object (0x[0-9a-fA-F]{1,64})|Invalid Object digest for object (0x[0-9a-fA-F]{1,64})/;
const FOREIGN_OWNER = /is owned by (account )?address|not signed by the correct sender/;
const BAD_SIGNATURE = /^Invalid user signature/;

/** Outcome of a failed execution call. */
export type Rejection =
  /** It was rejected; nothing was charged. */
  | { readonly outcome: 'refused'; readonly error: QuarryError }
  /** It may have been executed, or still may be: look up its digest, or send the same bytes again. */
  | { readonly outcome: 'unknown'; readonly error: QuarryError };

function idIn(match: RegExpExecArray | null): ObjectId | undefined {
  const text = match?.[1] ?? match?.[2];
  return text !== undefined && isId(text) ? normaliseId(text) : undefined;
}

/** Interprets a failed ExecuteTransaction call. Errors other than gRPC errors leave the outcome unknown. */
export function readRejection(error: QuarryError, digest: Digest): Rejection {
  if (!(error instanceof GrpcError)) {
    return { outcome: error.code === 'DATA_TOO_LARGE' ? 'refused' : 'unknown', error };
  }
  const text = error.grpcMessage;
  const reference = REFERENCE.exec(text);
  const refused = (code: QuarryError['code'], message: string, hint: string, details: QuarryError['details'] = {}) =>
    ({
      outcome: 'refused',
      error: new QuarryError(code, message, { hint, details: { digest, ...details }, cause: error }),
    }) as const;

  const lockedBy = LOCKED_BY.exec(text)?.[1];
  // Locked by this same transaction: it is in progress.
  if (lockedBy === digest) return { outcome: 'unknown', error };
  if (LOCKED.test(text)) {
    const objectId = idIn(reference);
    return refused(
      'OBJECT_LOCKED',
      `object ${objectId ?? '(not named)'} is locked by another transaction`,
      'use another coin; a coin used by two transactions at once stays locked until the epoch ends, so give every program that signs with this key its own coins',
      {
        objectId,
        version: reference?.[2],
        lockedBy,
      },
    );
  }
  if (STALE.test(text)) {
    const objectId = idIn(reference);
    return refused('OBJECT_STALE', `object ${objectId ?? '(not named)'} has a newer version`, 'read it again', {
      objectId,
      version: reference?.[2],
      currentVersion: CURRENT_VERSION.exec(text)?.[1],
    });
  }
  if (FOREIGN_OWNER.test(text)) {
    const objectId = idIn(reference);
    const message = `the node rejects the transaction: ${objectId ?? 'an object'} belongs to another address`;
    return refused('TRANSACTION_REJECTED', message, 'use only objects of the sender', { objectId });
  }
  const unknown = idIn(UNKNOWN_REFERENCE.exec(text));
  if (unknown !== undefined) {
    return refused('OBJECT_STALE', `the node does not know this version of object ${unknown}`, 'read it again', {
      objectId: unknown,
    });
  }
  if (error.grpcCode === status.INVALID_ARGUMENT) {
    return BAD_SIGNATURE.test(text)
      ? refused('SIGNATURE_INVALID', 'the node rejects the signature', 'sign with the key of the sender')
      : refused(
          'TRANSACTION_REJECTED',
          `the node rejects the transaction: ${text.slice(0, 300)}`,
          'correct it and sign again',
          {
            field: error.statusDetails.fieldViolations[0]?.field,
          },
        );
  }
  if (error.grpcCode === status.UNIMPLEMENTED || error.grpcCode === status.FAILED_PRECONDITION) {
    return { outcome: 'refused', error };
  }
  // ALREADY_EXISTS: being processed. ABORTED: perhaps already final. UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL and the
  // like: the call broke off, but not necessarily the transaction.
  return { outcome: 'unknown', error };
}
