import { QuarryError } from '../../../errors/index.js';
import { type Codec, fixedBytes, struct, u8, u16, vector, versionOne } from '../bcs/index.js';
import { blake2b256 } from '../digest.js';
import { type Address, idFromBytes } from '../id.js';
import { verifyEd25519 } from './ed25519.js';
import { SCHEME_FLAGS } from './signature.js';

/** Maximum members of a multisig account. `types/src/multisig.rs`. */
export const MULTISIG_MAX_MEMBERS = 10;

/** One key of a multisig account. */
export interface MultisigMember {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 1..255. */
  readonly weight: number;
}

/** The keys of a multisig account and the weight required to sign. */
export interface MultisigCommittee {
  readonly members: readonly MultisigMember[];
  /** 1..the sum of weights. */
  readonly threshold: number;
}

/** The signatures of some members, with the committee they belong to. */
export interface MultisigSignature {
  readonly scheme: 'multisig';
  /** 64 bytes each, by ascending member index. */
  readonly signatures: readonly Uint8Array[];
  /** Bit i is set if member i signed. */
  readonly bitmap: number;
  readonly committee: MultisigCommittee;
}

/** BCS of an enum whose only variant is Ed25519, around `size` raw bytes. */
const ed25519Bytes = (size: number): Codec<Uint8Array> => versionOne(fixedBytes(size));

const committeeCodec: Codec<MultisigCommittee> = struct<MultisigCommittee>({
  members: vector(struct<MultisigMember>({ publicKey: ed25519Bytes(32), weight: u8 })),
  threshold: u16,
});

/** BCS of a multisig signature without its flag byte. */
export const multisigBodyCodec: Codec<Omit<MultisigSignature, 'scheme'>> = struct<Omit<MultisigSignature, 'scheme'>>({
  signatures: vector(ed25519Bytes(64)),
  bitmap: u16,
  committee: committeeCodec,
});

/**
 * Checks that a committee is one the network accepts.
 *
 * @throws QuarryError `SIGNATURE_INVALID` when it is empty, has more than 10 members, a weight of 0, a key twice, or a
 *   threshold that is 0 or above the sum of weights
 */
export function checkMultisigCommittee(committee: MultisigCommittee): void {
  const problem = committeeProblem(committee);
  if (problem !== undefined) {
    throw new QuarryError('SIGNATURE_INVALID', `the multisig account is not valid: ${problem}`, {
      details: { members: committee.members.length, threshold: committee.threshold },
    });
  }
}

function committeeProblem({ members, threshold }: MultisigCommittee): string | undefined {
  if (members.length === 0 || members.length > MULTISIG_MAX_MEMBERS) return 'it must have 1 to 10 members';
  if (members.some((member) => member.publicKey.length !== 32)) return 'a public key does not have 32 bytes';
  if (members.some((member) => !Number.isInteger(member.weight) || member.weight < 1 || member.weight > 255)) {
    return 'a weight is not in 1..255';
  }
  if (new Set(members.map((member) => member.publicKey.join())).size < members.length) return 'a key appears twice';
  const sum = members.reduce((total, member) => total + member.weight, 0);
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > sum) return `its threshold is not in 1..${sum}`;
  return undefined;
}

/**
 * The address of a multisig account: BLAKE2b-256 of the flag, the threshold and every member's flag, key and weight.
 *
 * @throws QuarryError `SIGNATURE_INVALID` when the committee is not valid, see {@link checkMultisigCommittee}
 */
export function multisigAddress(committee: MultisigCommittee): Address {
  checkMultisigCommittee(committee);
  const head = new Uint8Array(3);
  head[0] = SCHEME_FLAGS.multisig;
  new DataView(head.buffer).setUint16(1, committee.threshold, true);
  const members = committee.members.map((member) =>
    Uint8Array.of(SCHEME_FLAGS.ed25519, ...member.publicKey, member.weight),
  );
  return idFromBytes(blake2b256(head, ...members));
}

/** The indexes of the members that a bitmap marks, ascending. */
function markedMembers(bitmap: number): number[] {
  return Array.from({ length: 16 }, (_, index) => index).filter((index) => (bitmap & (1 << index)) !== 0);
}

/**
 * Checks every signature and that their weights reach the threshold.
 *
 * @param message what was signed
 * @throws QuarryError `SIGNATURE_INVALID` when the committee, the bitmap or a signature is not valid, or the weight is
 *   too small
 */
export function verifyMultisig(message: Uint8Array, multisig: MultisigSignature): void {
  checkMultisigCommittee(multisig.committee);
  const indexes = markedMembers(multisig.bitmap);
  if (indexes.length !== multisig.signatures.length) {
    throw new QuarryError('SIGNATURE_INVALID', 'the multisig bitmap does not match the number of signatures', {
      details: { marked: indexes.length, signatures: multisig.signatures.length },
    });
  }
  let weight = 0;
  for (const [position, index] of indexes.entries()) {
    const member = multisig.committee.members[index];
    if (member === undefined || !verifyEd25519(message, multisig.signatures[position]!, member.publicKey)) {
      throw new QuarryError('SIGNATURE_INVALID', `the signature of multisig member ${index} does not verify`);
    }
    weight += member.weight;
  }
  if (weight < multisig.committee.threshold) {
    throw new QuarryError('SIGNATURE_INVALID', 'the signatures do not reach the multisig threshold', {
      details: { weight, threshold: multisig.committee.threshold },
    });
  }
}

/**
 * Combines members' signatures over the same message.
 *
 * @param signatures 64-byte signatures by member index
 * @throws QuarryError `SIGNATURE_INVALID` when the committee is not valid or an index names no member
 */
export function combineMultisig(
  committee: MultisigCommittee,
  signatures: ReadonlyMap<number, Uint8Array>,
): MultisigSignature {
  checkMultisigCommittee(committee);
  const indexes = [...signatures.keys()].sort((a, b) => a - b);
  if (indexes.some((index) => committee.members[index] === undefined)) {
    throw new QuarryError('SIGNATURE_INVALID', 'a signature is not from a member of the multisig account');
  }
  return {
    scheme: 'multisig',
    signatures: indexes.map((index) => signatures.get(index)!),
    bitmap: indexes.reduce((bits, index) => bits | (1 << index), 0),
    committee,
  };
}
