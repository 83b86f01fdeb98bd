import { readdirSync } from 'node:fs';
import { create, type DescFile, type DescMessage, toBinary } from '@bufbuild/protobuf';
import * as wellKnown from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeMessage } from '../../../src/devnet/soma/rpc/encode-message.js';
import { ProtocolConfigSchema } from '../../../src/gen/soma/rpc/epoch_pb.js';
import { ExecutedTransactionSchema } from '../../../src/gen/soma/rpc/executed_transaction_pb.js';
import { GetTargetResponseSchema } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { StakingPoolSchema } from '../../../src/gen/soma/rpc/system_state_pb.js';
import { TargetSchema } from '../../../src/gen/soma/rpc/target_pb.js';
import { messageOf } from '../../arbitrary-messages.js';
import { EVERY_FIELD } from './every-field.js';

// The real one, counted: each call of `encodeMessage` to it is a message that was not written the quick way.
vi.mock('@bufbuild/protobuf', async (importOriginal) => {
  const real = await importOriginal<typeof import('@bufbuild/protobuf')>();
  return { ...real, toBinary: vi.fn(real.toBinary) };
});
const runtime = vi.mocked(toBinary);
beforeEach(() => void runtime.mockClear());

const withNested = (types: readonly DescMessage[]): DescMessage[] =>
  types.flatMap((type) => [type, ...withNested(type.nestedMessages)]);
const typesIn = (exported: Readonly<Record<string, unknown>>): DescMessage[] =>
  Object.values(exported)
    .filter((each): each is DescFile => (each as DescFile | undefined)?.kind === 'file')
    .flatMap(({ messages }) => withNested(messages));

const GENERATED = new URL('../../../src/gen/', import.meta.url);
const files = readdirSync(GENERATED, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('_pb.ts'));
/** All message types of the network. */
const NETWORK: readonly DescMessage[] = (
  await Promise.all(files.map(async (name) => typesIn(await import(new URL(name, GENERATED).href))))
).flat();
/** Others: some are written the quick way, some are not, and some are now and then. */
const OTHERS: readonly DescMessage[] = [...EVERY_FIELD, ...typesIn(wellKnown)];

type Create = (schema: DescMessage, init: never) => object;
const make = create as Create;

/** What an encoder writes, or why it does not. */
function outcome(encode: () => Uint8Array): string {
  try {
    return Buffer.from(encode()).toString('hex');
  } catch (error) {
    // V8 words its own errors in one way or another, depending on whether it has optimised a function by then.
    return error instanceof TypeError ? error.name : String(error);
  }
}

/** Compares both encoders, and returns the bytes as they both write them, or the error. */
function same(schema: DescMessage, message: unknown): string {
  const written = outcome(() => encodeMessage(schema, message as never));
  expect(written).toBe(outcome(() => toBinary(schema, message as never)));
  return written;
}

const named = (types: readonly DescMessage[]) => types.map((type) => [type.typeName, type] as const);

const typeNamed = (name: string) => EVERY_FIELD.find(({ typeName }) => typeName === name)!;

/** Everything in a message that can be replaced. */
function places(value: unknown): { readonly holder: Record<string, unknown>; readonly key: string }[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  const holder = value as Record<string, unknown>;
  const own = Object.keys(holder).flatMap((key) => [{ holder, key }, ...places(holder[key])]);
  return '$typeName' in holder ? [...own, { holder, key: '$unknown' }] : own;
}

/** What fields may hold by mistake. */
const MISTAKES = fc.oneof(
  fc.constantFrom<unknown[]>(
    ...[undefined, null, '', 'text', '1', '\ud800', 'a\udc00b', true, false, [], {}, [undefined], new Uint8Array(3)],
    ...[NaN, Infinity, -Infinity, -0, 0, 1, -1, 1.5, 3.5e38, -3.5e38, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53, 1e300],
    ...[0n, 1n, -1n, 2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n],
    [{ no: 4_000, wireType: 0, data: Uint8Array.of(5) }],
  ),
  fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true, withTypedArray: true, maxDepth: 2 }),
);

describe('encodeMessage', () => {
  it.each(named(NETWORK))('writes %s as the runtime does, without it', (_, schema) => {
    let longest = 0;
    fc.assert(
      fc.property(messageOf(schema, 3), (init) => {
        const message = make(schema, init as never);
        runtime.mockClear();
        const written = outcome(() => encodeMessage(schema, message as never));
        expect(runtime).not.toHaveBeenCalled();
        expect(written).toBe(outcome(() => toBinary(schema, message as never)));
        longest = Math.max(longest, written.length);
      }),
      { numRuns: 40, seed: 1 },
    );
    expect(longest > 0).toBe(schema.fields.length > 0);
  });

  it.each(named(OTHERS))('writes %s as the runtime does, or leaves it to it', (_, schema) => {
    fc.assert(
      fc.property(messageOf(schema, 1), (init) => void same(schema, make(schema, init as never))),
      { numRuns: 60, seed: 1 },
    );
  });

  it('makes of wrong values what the runtime makes of them', () => {
    const valid = [...NETWORK, ...EVERY_FIELD].map((schema) => fc.tuple(fc.constant(schema), messageOf(schema, 1)));
    const spoiled = fc.tuple(
      fc.oneof(...valid),
      fc.array(fc.tuple(fc.nat(), MISTAKES), { minLength: 1, maxLength: 3 }),
    );
    let refused = 0;
    fc.assert(
      fc.property(spoiled, ([[schema, init], mistakes]) => {
        const message = make(schema, init as never);
        const all = places(message);
        for (const [at, value] of mistakes) {
          const { holder, key } = all[at % all.length]!;
          holder[key] = value;
        }
        if (same(schema, message).includes('Error')) refused++;
      }),
      { numRuns: 3_000, seed: 1 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it('refuses numbers out of range, and writes lone surrogates, as the runtime does', () => {
    const target = (value: object) => ({ ...create(TargetSchema), ...value });
    expect(same(TargetSchema, target({ embedding: [1, 3.5e38] }))).toContain('invalid float32');
    expect(same(TargetSchema, target({ rewardPool: 2n ** 64n }))).toContain('invalid uint64');
    expect(same(TargetSchema, target({ rewardPool: -1n }))).toContain('invalid uint64');
    expect(same(TargetSchema, target({ $typeName: 'soma.rpc.Object' }))).toContain('cannot use field');
    expect(same(wellKnown.TimestampSchema, { ...create(wellKnown.TimestampSchema), nanos: 2 ** 31 })).toContain(
      'invalid int32',
    );
    expect(same(TargetSchema, target({ id: 'a\ud800' }))).toContain('61efbfbd');
  });

  it('keeps fields that nobody knows', () => {
    const $unknown = [{ no: 77, wireType: 2, data: Uint8Array.of(1, 9) }];
    const target = { ...create(TargetSchema, { id: '7' }), $unknown };
    expect(same(TargetSchema, target)).toBe('0a0137ea040109');
    expect(same(GetTargetResponseSchema, { ...create(GetTargetResponseSchema), target })).toBe('0a070a0137ea040109');
  });

  it('writes numbers at every length that they have', () => {
    for (let bits = 1n; bits < 64n; bits++) {
      for (const rewardPool of [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n]) {
        same(TargetSchema, create(TargetSchema, { rewardPool }));
      }
    }
  });

  it('leaves to the runtime what looks like a message where none is expected', () => {
    const every = typeNamed('every.Field');
    const empty = make(every, {} as never);
    runtime.mockClear();
    encodeMessage(every, empty as never);
    expect(runtime).not.toHaveBeenCalled();
    const json = { $typeName: 'google.protobuf.Struct', fields: {} };
    expect(same(every, { ...empty, json })).toContain(Buffer.from('$typeName').toString('hex'));
    const bare = create(wellKnown.UInt32ValueSchema, { value: 5 });
    expect(same(every, { ...empty, bare })).toContain('invalid uint32');
  });

  it('writes zeros of required fields', () => {
    const required = { $typeName: 'edition.Nothing' };
    const message = { $typeName: 'edition.Required', required, requiredNumber: 0 };
    expect(same(typeNamed('edition.Required'), message)).toMatch(/00.*00$/);
    expect(same(typeNamed('edition.Required'), { ...message, requiredNumber: undefined })).toContain('required field');
  });

  it('keeps the order of maps, in which numbers go first', () => {
    const config = create(ProtocolConfigSchema, { attributes: { b: '1', 7: '2', ä: '3', '': '4' } });
    expect(same(ProtocolConfigSchema, config)).toContain('0a0137');
    const pool = create(StakingPoolSchema, {
      exchangeRates: { 9: {}, '18446744073709551615': { poolTokenAmount: 1n } },
    });
    runtime.mockClear();
    expect(encodeMessage(StakingPoolSchema, pool).length).toBeGreaterThan(0);
    expect(runtime).not.toHaveBeenCalled();
    same(StakingPoolSchema, pool);
    for (const key of ['-1', '18446744073709551616', 'x', '0x7', '', ' 7', '007'])
      same(StakingPoolSchema, create(StakingPoolSchema, { exchangeRates: { [key]: {} } }));
  });

  it('writes messages that outgrow its buffer, and leaves what it wrote before as it was', () => {
    const transaction = (digest: string) =>
      create(ExecutedTransactionSchema, { digest, balanceChanges: [{ address: `ä${digest}` }, { amount: digest }] });
    const before = encodeMessage(ExecutedTransactionSchema, transaction('b'.repeat(9)));
    const copy = Buffer.from(before);
    for (const length of [16_000, 20_000, 300_000, 70]) {
      const message = transaction('c'.repeat(length));
      expect(same(ExecutedTransactionSchema, message).length).toBeGreaterThan(6 * length);
      const embedding = Array.from({ length }, (_, axis) => Math.sin(axis));
      expect(same(TargetSchema, create(TargetSchema, { embedding })).length).toBeGreaterThan(8 * length);
    }
    expect(before).toEqual(copy);
  });
});
