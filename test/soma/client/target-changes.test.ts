import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { CheckpointSchema } from '../../../src/gen/soma/rpc/checkpoint_pb.js';
import {
  ChangedObject_InputObjectState as InputState,
  ChangedObject_OutputObjectState as OutputState,
} from '../../../src/gen/soma/rpc/effects_pb.js';
import { encodeTarget, scalarTensor, type TargetPayload, vectorTensor } from '../../../src/soma/chain/index.js';
import { targetChangesFrom } from '../../../src/soma/client/watch/target-changes.js';

const id = (n: number): string => n.toString(16).padStart(64, '0');
const normal = (n: number): string => `0x${id(n)}`;

function contents(change: Partial<TargetPayload> = {}): Uint8Array {
  return encodeTarget({
    embedding: vectorTensor([1, 0, 0, 0]),
    modelIds: [normal(9)],
    distanceThreshold: scalarTensor(0.5),
    rewardPool: 100n,
    generationEpoch: 3n,
    status: { kind: 'open' },
    bondAmount: 0n,
    submissionReports: [],
    ...change,
  });
}

const object = (n: number, version: bigint, bytes: Uint8Array, objectType = 'Target') => ({
  objectId: id(n),
  version,
  objectType,
  contents: bytes,
});

function changesOf(init: MessageInitShape<typeof CheckpointSchema>) {
  const unfit: string[] = [];
  const message = create(CheckpointSchema, init);
  return { ...targetChangesFrom(message, 7n, ({ message: text }) => unfit.push(text)), unfit };
}

describe('the changes of targets in a checkpoint', () => {
  it('are the last states, in whichever order and spelling versions come', () => {
    const filled = contents({ status: { kind: 'filled', fillEpoch: 3n } });
    const objects = [
      object(1, 5n, filled),
      { ...object(1, 4n, contents()), objectId: normal(1) },
      object(2, 5n, contents()),
    ];
    const { targets, sequenceNumber, unfit } = changesOf({ objects: { objects } });
    expect(targets.map((target) => [target.id, target.payload.status.kind])).toEqual([
      [normal(1), 'filled'],
      [normal(2), 'open'],
    ]);
    expect([sequenceNumber, unfit]).toEqual([7n, []]);
  });

  it('leave out what is malformed, say so of targets, and do not look at other objects', () => {
    const objects = [
      object(1, 5n, Uint8Array.of(1, 2, 3)),
      object(2, 5n, contents({ rewardPool: 2n ** 63n })),
      { ...object(3, 5n, contents()), objectId: 'no id' },
      { ...object(4, 5n, contents()), version: undefined },
      { ...object(5, 5n, Uint8Array.of(0xff), 'Coin'), objectId: 'no id either' },
      object(6, 5n, contents()),
    ];
    const { targets, unfit } = changesOf({ objects: { objects } });
    expect(targets.map((target) => target.id)).toEqual([normal(6)]);
    expect(unfit).toHaveLength(4);
  });

  it('name what was deleted, and nothing that was only written, created or never there', () => {
    const change = (n: number, inputState: InputState, outputState: OutputState) => ({
      objectId: id(n),
      inputState,
      outputState,
    });
    const changedObjects = [
      change(1, InputState.EXISTS, OutputState.DOES_NOT_EXIST),
      change(2, InputState.EXISTS, OutputState.OBJECT_WRITE),
      change(3, InputState.DOES_NOT_EXIST, OutputState.OBJECT_WRITE),
      change(4, InputState.DOES_NOT_EXIST, OutputState.DOES_NOT_EXIST),
      { ...change(5, InputState.EXISTS, OutputState.DOES_NOT_EXIST), objectId: 'no id' },
    ];
    expect(changesOf({ transactions: [{ effects: { changedObjects } }, {}] }).deleted).toEqual([normal(1)]);
  });
});
