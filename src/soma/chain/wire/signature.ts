import { create } from '@bufbuild/protobuf';
import {
  type MultisigAggregatedSignature,
  type UserSignature as RpcUserSignature,
  UserSignatureSchema,
} from '../../../gen/soma/rpc/signature_pb.js';
import { SignatureScheme } from '../../../gen/soma/rpc/signature_scheme_pb.js';
import { decodeUserSignature, type UserSignature } from '../keys/index.js';
import { required, requiredBytes, WireError } from './wire-error.js';

/**
 * Converts a user signature to its RPC message. Sets all scheme fields: a fullnode rejects absent ones, even for
 * Ed25519, which is 0.
 *
 * @param signature decoded, or serialised bytes
 * @throws QuarryError `BCS_INVALID` when serialised bytes are malformed
 */
export function userSignatureToRpc(signature: UserSignature | Uint8Array): RpcUserSignature {
  const decoded = signature instanceof Uint8Array ? decodeUserSignature(signature) : signature;
  if (decoded.scheme === 'ed25519') {
    return create(UserSignatureSchema, {
      scheme: SignatureScheme.ED25519,
      signature: {
        case: 'simple',
        value: { scheme: SignatureScheme.ED25519, signature: decoded.signature, publicKey: decoded.publicKey },
      },
    });
  }
  return create(UserSignatureSchema, {
    scheme: SignatureScheme.MULTISIG,
    signature: {
      case: 'multisig',
      value: {
        signatures: decoded.signatures.map((each) => ({ scheme: SignatureScheme.ED25519, signature: each })),
        bitmap: decoded.bitmap,
        committee: {
          members: decoded.committee.members.map(({ publicKey, weight }) => ({
            publicKey: { scheme: SignatureScheme.ED25519, publicKey },
            weight,
          })),
          threshold: decoded.committee.threshold,
        },
      },
    },
  });
}

function requireEd25519(scheme: SignatureScheme | undefined, field: string): void {
  if (required(scheme, field) !== SignatureScheme.ED25519) {
    throw new WireError(field, 'FIELD_INVALID', 'is not Ed25519, the only scheme of single keys');
  }
}

function requireAtMost(value: number | undefined, max: number, field: string): number {
  const present = required(value, field);
  if (present > max) throw new WireError(field, 'FIELD_INVALID', `is above ${max}`);
  return present;
}

/**
 * Converts an RPC message to a user signature.
 *
 * @param field path of the message, for errors
 * @throws WireError when a field is missing, has the wrong length or names an unknown scheme
 */
export function userSignatureFromRpc(message: RpcUserSignature, field = 'signature'): UserSignature {
  const scheme = required(message.scheme, `${field}.scheme`);
  const { signature } = message;
  if (scheme === SignatureScheme.ED25519 && signature.case === 'simple') {
    requireEd25519(signature.value.scheme, `${field}.simple.scheme`);
    return {
      scheme: 'ed25519',
      signature: requiredBytes(signature.value.signature, 64, `${field}.simple.signature`),
      publicKey: requiredBytes(signature.value.publicKey, 32, `${field}.simple.public_key`),
    };
  }
  if (scheme === SignatureScheme.MULTISIG && signature.case === 'multisig') {
    return multisigFromRpc(signature.value, `${field}.multisig`);
  }
  if (signature.case === undefined) throw new WireError(field, 'FIELD_MISSING', 'holds no signature');
  throw new WireError(`${field}.scheme`, 'FIELD_INVALID', 'does not match its signature');
}

function multisigFromRpc(message: MultisigAggregatedSignature, field: string): UserSignature {
  const committee = required(message.committee, `${field}.committee`);
  return {
    scheme: 'multisig',
    signatures: message.signatures.map((each, index) => {
      const at = `${field}.signatures[${index}]`;
      requireEd25519(each.scheme, `${at}.scheme`);
      return requiredBytes(each.signature, 64, `${at}.signature`);
    }),
    bitmap: requireAtMost(message.bitmap, 0xffff, `${field}.bitmap`),
    committee: {
      members: committee.members.map((member, index) => {
        const at = `${field}.committee.members[${index}]`;
        const key = required(member.publicKey, `${at}.public_key`);
        requireEd25519(key.scheme, `${at}.public_key.scheme`);
        return {
          publicKey: requiredBytes(key.publicKey, 32, `${at}.public_key.public_key`),
          weight: requireAtMost(member.weight, 0xff, `${at}.weight`),
        };
      }),
      threshold: requireAtMost(committee.threshold, 0xffff, `${field}.committee.threshold`),
    },
  };
}
