import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { CheckpointSchema } from '../../../src/gen/soma/rpc/checkpoint_pb.js';
import { TargetSchema } from '../../../src/gen/soma/rpc/target_pb.js';
import { TOTAL_SUPPLY_SHANNONS } from '../../../src/soma/chain/index.js';
import { checkpointFrom } from '../../../src/soma/client/decode/checkpoint.js';
import {
  finite,
  possibleAmount,
  possibleCount,
  possibleDataSize,
  possibleEpoch,
} from '../../../src/soma/client/decode/possible.js';
import { targetFrom } from '../../../src/soma/client/decode/target.js';

const HUGE = 2n ** 64n - 1n;
const impossible = expect.objectContaining({ code: 'PROTOCOL' });

describe('an impossible number', () => {
  it.each([
    ['epoch', possibleEpoch, 2n ** 35n],
    ['count', possibleCount, BigInt(Number.MAX_SAFE_INTEGER)],
    ['amount', possibleAmount, TOTAL_SUPPLY_SHANNONS],
    ['size', possibleDataSize, BigInt(Number.MAX_SAFE_INTEGER)],
  ] as const)('is refused as an %s, and the largest that can passes', (_name, check, most) => {
    expect(check(most, 'field')).toBe(most);
    for (const value of [most + 1n, HUGE, -1n]) expect(() => check(value, 'field')).toThrow(impossible);
  });

  it('is refused as a limit that lets nothing through', () => {
    expect(possibleDataSize(1_024n, 'field')).toBe(1_024n);
    expect(() => possibleDataSize(1_023n, 'field')).toThrow(impossible);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('is refused where it is %s', (value) => {
    expect(() => finite(value, 'field')).toThrow(impossible);
  });

  it('costs the target or the checkpoint that names it', () => {
    const target = { id: '0x1', status: 'open', distanceThreshold: 1, generationEpoch: 1n, rewardPool: 1n };
    expect(targetFrom(create(TargetSchema, target)).generationEpoch).toBe(1n);
    for (const change of [{ generationEpoch: HUGE }, { rewardPool: HUGE }, { bondAmount: HUGE }]) {
      expect(() => targetFrom(create(TargetSchema, { ...target, ...change }))).toThrow(impossible);
    }
    expect(() => checkpointFrom(create(CheckpointSchema, { sequenceNumber: HUGE }))).toThrow(impossible);
  });
});
