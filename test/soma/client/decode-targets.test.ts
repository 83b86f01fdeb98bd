import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { ListTargetsResponseSchema } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { decodeTargets } from '../../../src/soma/client/read/decode-targets.js';

const floats = (length: number): number[] => Array.from({ length }, (_, i) => Math.fround(Math.sin(i + 1)));

describe('decodeTargets', () => {
  it('reads what the general decoder reads', () => {
    const init = {
      nextPageToken: Uint8Array.of(1, 2, 3),
      targets: [
        { id: '0x1', embedding: floats(2048), modelIds: ['0xa', '0xb'], rewardPool: 5n, distanceThreshold: 0.5 },
        { id: '0x2', embedding: [], status: 'open' },
        { id: '0x3', embedding: floats(3), dataUrl: 'http://x/', fillEpoch: 0n },
      ],
    };
    const whole = create(ListTargetsResponseSchema, init);
    const { targets, nextPageToken } = decodeTargets(toBinary(ListTargetsResponseSchema, whole));
    expect(nextPageToken).toEqual(init.nextPageToken);
    expect(targets.map((target) => [...target.embedding])).toEqual(init.targets.map((target) => target.embedding));
    expect(targets.map(({ message, embedding }) => ({ ...message, embedding: [...embedding] }))).toEqual(whole.targets);
    expect(decodeTargets(new Uint8Array())).toEqual({ targets: [], nextPageToken: undefined });
  });

  it('reads fields in any order, and floats that are split or not packed', () => {
    const packed = (values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
    const target = (fill: (writer: BinaryWriter) => void): Uint8Array => {
      const inner = new BinaryWriter();
      fill(inner);
      return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(inner.finish()).finish();
    };
    const split = target((w) => {
      w.tag(2, WireType.LengthDelimited).bytes(packed([1, 2]));
      w.tag(1, WireType.LengthDelimited).string('0x7');
      w.tag(2, WireType.LengthDelimited).bytes(packed([-0.5]));
    });
    const loose = target((w) => {
      for (const value of [4, 5]) w.tag(2, WireType.Bit32).float(value);
      w.tag(99, WireType.Varint).uint32(7);
      w.tag(1, WireType.LengthDelimited).string('0x8');
    });
    const token = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(Uint8Array.of(9)).finish();
    const { targets, nextPageToken } = decodeTargets(new Uint8Array(Buffer.concat([split, token, loose])));
    expect(targets.map(({ message, embedding }) => [message.id, [...embedding]])).toEqual([
      ['0x7', [1, 2, -0.5]],
      ['0x8', [4, 5]],
    ]);
    expect(nextPageToken).toEqual(Uint8Array.of(9));
  });

  it('refuses bytes that are no such message', () => {
    const whole = create(ListTargetsResponseSchema, { targets: [{ id: '0x1', embedding: floats(8) }] });
    const bytes = toBinary(ListTargetsResponseSchema, whole);
    for (let cut = 1; cut < bytes.length; cut++) expect(() => decodeTargets(bytes.subarray(0, cut))).toThrow();
    const odd = create(ListTargetsResponseSchema, { targets: [{ id: '0x1', embedding: [1] }] });
    const damaged = toBinary(ListTargetsResponseSchema, odd);
    // One float less a byte: lengths of the target and of the floats, then the byte.
    damaged[1]!--;
    damaged[damaged.indexOf(4, 2)]!--;
    expect(() => decodeTargets(damaged.subarray(0, -1))).toThrow('multiple of 4');
  });
});
