import { QuarryError, toQuarryError } from '../../../errors/index.js';
import type { Checkpoint as CheckpointMessage } from '../../../gen/soma/rpc/checkpoint_pb.js';
import {
  type ChangedObject,
  ChangedObject_InputObjectState as InputState,
  ChangedObject_OutputObjectState as OutputState,
} from '../../../gen/soma/rpc/effects_pb.js';
import type { Object$ } from '../../../gen/soma/rpc/object_pb.js';
import { decodeTarget, type ObjectId, type TargetPayload } from '../../chain/index.js';
import { type CheckpointHeader, checkpointHead } from '../decode/checkpoint.js';
import { possibleAmount, possibleEpoch } from '../decode/possible.js';
import { requiredId } from '../decode/required.js';

/** What a checkpoint says about targets. Nothing else in it is decoded: targets are raced for meanwhile. */
export interface TargetChanges {
  readonly sequenceNumber: bigint;
  readonly summary: CheckpointHeader | undefined;
  /** The last state of each target among the objects, which include the versions before and after each transaction. */
  readonly targets: readonly ChangedTarget[];
  /** Objects of all types that no longer exist. */
  readonly deleted: readonly ObjectId[];
}

/** A target and its contents in a checkpoint. */
export interface ChangedTarget {
  readonly id: ObjectId;
  readonly payload: TargetPayload;
}

/** Fields of a checkpoint that {@link targetChangesFrom} reads. */
export const TARGET_CHANGES_MASK: readonly string[] = ['summary', 'transactions.effects', 'objects.objects'];

/**
 * Decodes the changes of targets; `cursor` is the checkpoint's number if the message lacks it.
 *
 * @param onUnfit called with each malformed target, which is left out
 * @throws QuarryError `PROTOCOL` when the summary is malformed
 */
export function targetChangesFrom(
  message: CheckpointMessage,
  cursor: bigint,
  onUnfit: (error: QuarryError) => void,
): TargetChanges {
  const { sequenceNumber, summary } = checkpointHead(message, cursor);
  const targets = newestTargets(message.objects?.objects ?? [], onUnfit);
  const changes = message.transactions.flatMap(({ effects }) => effects?.changedObjects.filter(isDeleted) ?? []);
  return { sequenceNumber, summary, targets, deleted: changes.flatMap(({ objectId }) => readableId(objectId)) };
}

function isDeleted({ inputState, outputState }: ChangedObject): boolean {
  return inputState === InputState.EXISTS && outputState === OutputState.DOES_NOT_EXIST;
}

/** An id that cannot be read is none of ours. */
function readableId(text: string | undefined): ObjectId[] {
  try {
    return [requiredId(text, 'object_id')];
  } catch {
    return [];
  }
}

function newestTargets(objects: readonly Object$[], onUnfit: (error: QuarryError) => void): ChangedTarget[] {
  const newest = new Map<ObjectId, { version: bigint; contents: Uint8Array }>();
  for (const { objectId, version, objectType, contents } of objects) {
    if (objectType !== 'Target') continue;
    const [id] = readableId(objectId);
    if (id === undefined || version === undefined || contents === undefined) {
      onUnfit(new QuarryError('PROTOCOL', 'the node sent a target without id, version or contents'));
      continue;
    }
    const known = newest.get(id);
    if (known === undefined || known.version < version) newest.set(id, { version, contents });
  }
  return [...newest].flatMap(([id, { contents }]) => {
    try {
      return [{ id, payload: possibleTarget(decodeTarget(contents)) }];
    } catch (error) {
      onUnfit(toQuarryError(error, `reading target ${id}`));
      return [];
    }
  });
}

/** @throws QuarryError `PROTOCOL` when its numbers are impossible */
function possibleTarget(payload: TargetPayload): TargetPayload {
  possibleAmount(payload.rewardPool, 'target.reward_pool');
  possibleAmount(payload.bondAmount, 'target.bond_amount');
  possibleEpoch(payload.generationEpoch, 'target.generation_epoch');
  return payload;
}
