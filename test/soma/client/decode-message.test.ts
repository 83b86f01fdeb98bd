import { create, type DescField, type DescMessage, fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointSchema } from '../../../src/gen/soma/rpc/checkpoint_pb.js';
import { GetServiceInfoResponseSchema } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { ObjectSchema } from '../../../src/gen/soma/rpc/object_pb.js';
import { ListTargetsResponseSchema } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { SubscribeCheckpointsResponseSchema } from '../../../src/gen/soma/rpc/subscription_service_pb.js';
import { ExecuteTransactionResponseSchema } from '../../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { decodeMessage } from '../../../src/soma/client/transport/decode-message.js';

const SCHEMAS: readonly DescMessage[] = [
  ExecuteTransactionResponseSchema,
  SubscribeCheckpointsResponseSchema,
  CheckpointSchema,
  ObjectSchema,
  GetServiceInfoResponseSchema,
  ListTargetsResponseSchema,
];
const TEXT = fc.oneof({ weight: 9, arbitrary: fc.string() }, fc.string({ unit: 'grapheme' }));

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return TEXT;
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 200 });
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.FLOAT:
      return fc.float({ noNaN: true });
    case ScalarType.INT32:
      return fc.integer();
    case ScalarType.UINT32:
      return fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffff_ffff }));
    case ScalarType.INT64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case ScalarType.UINT64:
      return fc.oneof(fc.bigInt({ min: 0n, max: 70_000n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    default:
      throw new Error(`no values of type ${type}`);
  }
}

/** Values of a field; none for what the messages here do without. */
function valuesOf(field: DescField, depth: number): fc.Arbitrary<unknown> | undefined {
  switch (field.fieldKind) {
    case 'scalar':
      return scalar(field.scalar);
    case 'enum':
      return fc.constantFrom(...field.enum.values.map(({ number }) => number), 99);
    case 'message':
      return depth === 0 ? undefined : messageOf(field.message, depth - 1);
    case 'list': {
      if (field.listKind === 'enum') return undefined;
      if (field.listKind === 'scalar') return fc.array(scalar(field.scalar), { maxLength: 4 });
      return depth === 0 ? undefined : fc.array(messageOf(field.message, depth - 1), { maxLength: 3 });
    }
    default:
      return undefined;
  }
}

function messageOf(schema: DescMessage, depth: number): fc.Arbitrary<unknown> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of schema.fields) {
    const value = valuesOf(field, depth);
    if (value === undefined) continue;
    if (field.oneof === undefined) model[field.localName] = value;
    else model[field.oneof.localName] = value.map((each) => ({ case: field.localName, value: each }));
  }
  return fc.record(model, { requiredKeys: [] });
}

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
      { numRuns: 150 },
    );
  });

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
      { numRuns: 1_500 },
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
