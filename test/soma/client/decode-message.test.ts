import { create, type DescMessage, fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CheckpointSchema } from '../../../src/gen/soma/rpc/checkpoint_pb.js';
import { GetServiceInfoResponseSchema } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { ObjectSchema } from '../../../src/gen/soma/rpc/object_pb.js';
import { ListTargetsResponseSchema } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { SubscribeCheckpointsResponseSchema } from '../../../src/gen/soma/rpc/subscription_service_pb.js';
import { ExecuteTransactionResponseSchema } from '../../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { decodeMessage } from '../../../src/soma/client/transport/decode-message.js';
import { messageOf, type Values } from '../../arbitrary-messages.js';

// The real one, counted: each call of `decodeMessage` to it is a message that was not read the quick way.
vi.mock('@bufbuild/protobuf', async (importOriginal) => {
  const real = await importOriginal<typeof import('@bufbuild/protobuf')>();
  return { ...real, fromBinary: vi.fn(real.fromBinary) };
});
beforeEach(() => void vi.mocked(fromBinary).mockClear());

const SCHEMAS: readonly DescMessage[] = [
  ExecuteTransactionResponseSchema,
  SubscribeCheckpointsResponseSchema,
  CheckpointSchema,
  ObjectSchema,
  GetServiceInfoResponseSchema,
  ListTargetsResponseSchema,
];

const REGULAR_SCALARS = new Map<ScalarType, fc.Arbitrary<unknown>>([
  [ScalarType.STRING, fc.string({ unit: 'binary-ascii' })],
  [ScalarType.BYTES, fc.uint8Array({ maxLength: 200 })],
  [ScalarType.BOOL, fc.boolean()],
  [ScalarType.INT32, fc.nat(0x7fff_ffff)],
  [ScalarType.INT64, fc.bigInt({ min: 0n, max: 2n ** 49n - 1n })],
  [ScalarType.UINT32, fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0x7fff_ffff }))],
  [ScalarType.UINT64, fc.oneof(fc.bigInt({ min: 0n, max: 70_000n }), fc.bigInt({ min: 0n, max: 2n ** 49n - 1n }))],
]);

const isPlain = ({ fields }: DescMessage): boolean =>
  fields.every(
    (field) =>
      field.oneof === undefined &&
      field.fieldKind !== 'map' &&
      (field.fieldKind === 'list' ||
        field.presence !== FeatureSet_FieldPresence.IMPLICIT ||
        (field.fieldKind === 'scalar' &&
          ![ScalarType.BYTES, ScalarType.FLOAT, ScalarType.DOUBLE].includes(field.scalar))),
  );

/** What nodes nearly always send, and the quick way reads without the runtime. */
const REGULAR: Values = {
  scalar: (type) => REGULAR_SCALARS.get(type)!,
  has(field) {
    if (field.oneof !== undefined) return false;
    if (field.fieldKind === 'enum') return true;
    if (field.fieldKind === 'list' && field.listKind === 'scalar') return field.scalar === ScalarType.STRING;
    if (field.message !== undefined) return field.fieldKind !== 'map' && isPlain(field.message);
    return field.fieldKind === 'scalar' && REGULAR_SCALARS.has(field.scalar);
  },
};

/** What a decoder makes of bytes, or that it refuses them. */
function outcome(decode: () => unknown): unknown {
  try {
    return decode();
  } catch {
    return 'refused';
  }
}

const same = (schema: DescMessage, bytes: Uint8Array): void => {
  const runtime = outcome(() => fromBinary(schema, bytes));
  expect(outcome(() => decodeMessage(schema, bytes))).toStrictEqual(runtime);
};

describe('decodeMessage', () => {
  it.each(SCHEMAS.map((schema) => [schema.typeName, schema] as const))('reads %s as the runtime does', (_, schema) => {
    fc.assert(
      fc.property(messageOf(schema, 5), (init) => same(schema, toBinary(schema, create(schema, init as never)))),
      { numRuns: 150, seed: 1 },
    );
  });

  it.each(SCHEMAS.map((schema) => [schema.typeName, schema] as const))(
    'reads a regular %s without the runtime',
    (_, schema) => {
      const runtime = vi.mocked(fromBinary);
      let fullest = 0;
      fc.assert(
        fc.property(messageOf(schema, 5, REGULAR), (init) => {
          const bytes = toBinary(schema, create(schema, init as never));
          runtime.mockClear();
          const decoded = decodeMessage(schema, bytes);
          expect(runtime).not.toHaveBeenCalled();
          expect(decoded).toStrictEqual(fromBinary(schema, bytes));
          fullest = Math.max(fullest, bytes.length);
        }),
        { numRuns: 150, seed: 1 },
      );
      expect(fullest).toBeGreaterThan(50);
    },
  );

  it('makes of damaged bytes what the runtime makes of them', () => {
    const damaged = fc.constantFrom(...SCHEMAS).chain((schema) =>
      fc
        .tuple(messageOf(schema, 4), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat())
        .map(([init, changes, cut]) => {
          const bytes = toBinary(schema, create(schema, init as never));
          for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          return { schema, bytes: cut % 3 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes };
        }),
    );
    fc.assert(
      fc.property(damaged, ({ schema, bytes }) => same(schema, bytes)),
      { numRuns: 1_500, seed: 1 },
    );
  });

  it('merges a message that comes twice, and keeps fields that nobody knows', () => {
    const part = (fill: (writer: BinaryWriter) => void): Uint8Array => {
      const inner = new BinaryWriter();
      fill(inner);
      return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(inner.finish()).finish();
    };
    const twice = Buffer.concat([
      part((w) => w.tag(1, WireType.LengthDelimited).string('d')),
      part((w) => w.tag(5, WireType.Varint).uint64(7n)),
    ]);
    same(ExecuteTransactionResponseSchema, new Uint8Array(twice));
    expect(decodeMessage(ExecuteTransactionResponseSchema, new Uint8Array(twice)).transaction).toMatchObject({
      digest: 'd',
      checkpoint: 7n,
    });
    same(ExecuteTransactionResponseSchema, new BinaryWriter().tag(77, WireType.Varint).uint32(3).finish());
  });
});
