import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransactionEffectsSchema } from '../../../src/gen/soma/rpc/effects_pb.js';
import { ObjectSchema } from '../../../src/gen/soma/rpc/object_pb.js';
import { UserSignatureSchema } from '../../../src/gen/soma/rpc/signature_pb.js';
import { TransactionSchema } from '../../../src/gen/soma/rpc/transaction_pb.js';
import {
  combineMultisig,
  digestFromBytes,
  effectsFromRpc,
  effectsToRpc,
  Keypair,
  objectFromRpc,
  objectToRpc,
  type SomaObject,
  transactionFromRpc,
  transactionToRpc,
  userSignatureFromRpc,
  userSignatureToRpc,
  WireError,
} from '../../../src/soma/chain/index.js';
import { kinds, object, transactionOf } from './arbitraries.js';

const someDigest = digestFromBytes(new Uint8Array(32).fill(1));
const keypair = Keypair.fromSecret(new Uint8Array(32).fill(9));
const effects = effectsToRpc(
  {
    status: { kind: 'failure', error: { kind: 'insufficientBond', required: 2n, provided: 1n } },
    executedEpoch: 1n,
    fee: { baseFee: 1n, operationFee: 2n, valueFee: 3n, totalFee: 6n },
    transactionDigest: someDigest,
    gasObjectIndex: 0,
    dependencies: [someDigest],
    lamportVersion: 8n,
    changedObjects: [
      {
        objectId: '0x1',
        input: { kind: 'exist', version: 7n, digest: someDigest, owner: { kind: 'address', address: '0x2' } },
        output: { kind: 'objectWrite', digest: someDigest, owner: { kind: 'shared', initialSharedVersion: 1n } },
        idOperation: 'none',
      },
    ],
    unchangedSharedObjects: [{ objectId: '0x5', version: 1n, kind: 'readOnlyRoot', digest: someDigest }],
  },
  { path: 'execution' },
);
const objects: SomaObject[] = fc.sample(object, { seed: 1, numRuns: 3 });
const multisig = combineMultisig(
  { members: [{ publicKey: keypair.publicKey, weight: 1 }], threshold: 1 },
  new Map([[0, new Uint8Array(64)]]),
);

/** A message type with samples of it and what reads it. */
function reader<D extends DescMessage>(
  schema: D,
  samples: readonly MessageShape<D>[],
  read: (message: MessageShape<D>) => unknown,
): { readonly seeds: readonly Uint8Array[]; readonly run: (bytes: Uint8Array) => 'read' | 'refused' | 'undecodable' } {
  return {
    seeds: samples.map((sample) => toBinary(schema, sample)),
    run: (bytes) => {
      let message: MessageShape<D>;
      try {
        message = fromBinary(schema, bytes);
      } catch {
        return 'undecodable';
      }
      try {
        read(message);
        return 'read';
      } catch (error) {
        if (error instanceof WireError) return 'refused';
        throw error;
      }
    },
  };
}

const readers = {
  Transaction: reader(
    TransactionSchema,
    kinds.flatMap((kind) =>
      fc.sample(transactionOf(kind), { seed: 2, numRuns: 2 }).map((data) => transactionToRpc(data)),
    ),
    transactionFromRpc,
  ),
  TransactionEffects: reader(TransactionEffectsSchema, [effects], (message) => effectsFromRpc(message)),
  UserSignature: reader(
    UserSignatureSchema,
    [userSignatureToRpc(keypair.signTransaction(new Uint8Array(3))), userSignatureToRpc(multisig)],
    (message) => userSignatureFromRpc(message),
  ),
  Object: reader(
    ObjectSchema,
    objects.map((each) => objectToRpc(each)),
    (message) => objectFromRpc(message, 'object'),
  ),
};

describe.each(Object.entries(readers))('a damaged %s message', (_, { seeds, run }) => {
  it('is read or refused with a WireError', () => {
    const seen = { read: 0, refused: 0, undecodable: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean()), { minLength: 1, maxLength: 3 }),
        (seed, edits) => {
          let bytes = seed.slice();
          for (const [at, value, cut] of edits) {
            if (bytes.length === 0) break;
            if (cut && value < 40) bytes = bytes.slice(0, at % bytes.length);
            else bytes[at % bytes.length] = value;
          }
          seen[run(bytes)]++;
        },
      ),
      { numRuns: 1500, seed: 4 },
    );
    expect(seen.read).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(20);
  });

  it('is refused when it is empty', () => {
    expect(run(new Uint8Array())).toBe('refused');
  });
});
