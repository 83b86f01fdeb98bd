import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuarryError } from '../../../src/errors/index.js';
import { TransactionSchema } from '../../../src/gen/soma/rpc/transaction_pb.js';
import {
  decodeTransactionData,
  encodeTransactionData,
  idFromBytes,
  type TransactionData,
  transactionDigest,
  transactionFromRpc,
  transactionToRpc,
  vectorTensor,
  WireError,
} from '../../../src/soma/chain/index.js';
import { kinds, transactionOf } from './arbitraries.js';

const zero = idFromBytes(new Uint8Array(32));

describe('every kind of transaction', () => {
  it.each(kinds.map((kind, index) => [index, kind] as const))(
    'variant %i: BCS and RPC keep every bit',
    (index, kind) => {
      fc.assert(
        fc.property(transactionOf(kind), fc.constantFrom('normal' as const, 'plain' as const), (data, ids) => {
          const bytes = encodeTransactionData(data);
          expect([bytes[0], bytes[1]]).toEqual([0, index]);
          expect(decodeTransactionData(bytes)).toEqual(data);
          // Over the wire and back: what the node rebuilds must have the very bytes that were signed.
          const sent = toBinary(TransactionSchema, transactionToRpc(data, { ids }));
          const rebuilt = transactionFromRpc(fromBinary(TransactionSchema, sent));
          expect(encodeTransactionData(rebuilt)).toEqual(bytes);
        }),
        { numRuns: 25, seed: 1 },
      );
    },
  );

  it('there are 26 of them', () => {
    expect(kinds).toHaveLength(26);
  });
});

describe('what the RPC cannot express', () => {
  const send = (kind: TransactionData['kind']): unknown => transactionToRpc({ kind, sender: zero, gasPayment: [] });

  it('refuses PayCoins without amounts', () => {
    expect(() => send({ kind: 'payCoins', coins: [], recipients: [zero] })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
  it('refuses tensors of other shapes', () => {
    const embedding = { values: new Float32Array(4), shape: [2, 2] };
    expect(() => send({ kind: 'revealModel', modelId: zero, decryptionKey: new Uint8Array(32), embedding })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('a malformed message', () => {
  const message = transactionToRpc({
    kind: { kind: 'revealModel', modelId: zero, decryptionKey: new Uint8Array(32), embedding: vectorTensor([1]) },
    sender: zero,
    gasPayment: [{ objectId: zero, version: 1n, digest: transactionDigest(new Uint8Array()) }],
  });
  const flawed = (change: (copy: typeof message) => void): typeof message => {
    const copy = fromBinary(TransactionSchema, toBinary(TransactionSchema, message));
    change(copy);
    return copy;
  };

  it.each([
    ['kind', 'FIELD_MISSING', (m: typeof message) => delete m.kind],
    ['sender', 'FIELD_MISSING', (m: typeof message) => delete m.sender],
    ['sender', 'FIELD_INVALID', (m: typeof message) => Object.assign(m, { sender: 'xyz' })],
    ['gas_payment[0].digest', 'FIELD_INVALID', (m: typeof message) => Object.assign(m.gasPayment[0]!, { digest: '0' })],
    ['gas_payment[0].version', 'FIELD_MISSING', (m: typeof message) => delete m.gasPayment[0]!.version],
    [
      'kind.reveal_model.decryption_key',
      'FIELD_INVALID',
      (m: typeof message) => Object.assign(m.kind!.kind.value!, { decryptionKey: new Uint8Array(31) }),
    ],
  ])('names the field %s as %s', (field, reason, change) => {
    const error = (() => {
      try {
        transactionFromRpc(flawed((copy) => void change(copy)));
      } catch (caught) {
        return caught;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(WireError);
    expect(error).toBeInstanceOf(QuarryError);
    expect(error).toMatchObject({ field, reason, code: 'PROTOCOL' });
  });

  it('normalises URLs and reads ids in every form', () => {
    const data: TransactionData = {
      kind: {
        kind: 'commitModel',
        modelId: `0x${'1'.padStart(64, '0')}`,
        manifest: { url: 'https://example.com', checksum: new Uint8Array(32), size: 1n },
        weightsCommitment: new Uint8Array(32),
        embeddingCommitment: new Uint8Array(32),
        decryptionKeyCommitment: new Uint8Array(32),
      },
      sender: zero,
      gasPayment: [],
    };
    const sent = transactionToRpc(data);
    const { value } = sent.kind!.kind;
    expect(value).toMatchObject({ manifest: { version: { value: { url: 'https://example.com/' } } } });
    Object.assign(value!, { modelId: '0x1' });
    expect(encodeTransactionData(transactionFromRpc(sent))).toEqual(encodeTransactionData(data));
  });
});
