import type { Target as TargetMessage } from '../../../gen/soma/rpc/target_pb.js';
import type { Address, ObjectId } from '../../chain/index.js';
import { possibleAmount, possibleEpoch } from './possible.js';
import { floats, optionalId, required, requiredId } from './required.js';

/** Status of a target. The node lists filled and expired targets as `claimable` if their reward can be claimed. */
export type ListedTargetStatus = 'open' | 'filled' | 'claimed' | 'claimable';

/** A point in embedding space; data close enough to it earns its reward. */
export interface Target {
  readonly id: ObjectId;
  readonly status: ListedTargetStatus;
  /** `[target_embedding_dim]`, not normalised. */
  readonly embedding: Float32Array;
  /** In scoring order. */
  readonly modelIds: readonly ObjectId[];
  /** Maximum cosine distance of a hit. */
  readonly distanceThreshold: number;
  readonly rewardPoolShannons: bigint;
  /** The only epoch in which a submission is accepted. */
  readonly generationEpoch: bigint;
  /** 0 while open. */
  readonly bondShannons: bigint;
  /** This and the following fields are set once filled. */
  readonly fillEpoch?: bigint | undefined;
  readonly submitter?: Address | undefined;
  readonly winningModelId?: ObjectId | undefined;
  readonly winningModelOwner?: Address | undefined;
  /** URL of the winning data, hosted by its submitter. */
  readonly dataUrl?: string | undefined;
}

/** The parts of a target selected by a read mask. */
export type PartialTarget = Pick<Target, 'id'> & { readonly [K in keyof Target]?: Target[K] | undefined };

/** Fields required by {@link targetFrom}. */
export const FULL_TARGET_MASK: readonly string[] = [
  'id',
  'status',
  'generation_epoch',
  'reward_pool',
  'embedding',
  'model_ids',
  'distance_threshold',
  'submitter',
  'winning_model_id',
  'winning_model_owner',
  'fill_epoch',
  'bond_amount',
  'data_url',
];

const STATUSES: ReadonlySet<string> = new Set(['open', 'filled', 'claimed', 'claimable']);

function statusFrom(text: string): ListedTargetStatus {
  return required(STATUSES.has(text) ? (text as ListedTargetStatus) : undefined, 'a known target status');
}

/** Fields that only filled targets have and any mask can omit. */
function outcomeFrom(message: TargetMessage) {
  return {
    fillEpoch: message.fillEpoch,
    submitter: optionalId(message.submitter, 'target.submitter'),
    winningModelId: optionalId(message.winningModelId, 'target.winning_model_id'),
    winningModelOwner: optionalId(message.winningModelOwner, 'target.winning_model_owner'),
    dataUrl: message.dataUrl,
  };
}

const modelIdsFrom = (ids: readonly string[]): ObjectId[] => ids.map((id) => requiredId(id, 'target.model_ids'));

/**
 * Decodes a target read with {@link FULL_TARGET_MASK}.
 *
 * @param embedding if decoded separately from the message
 */
export function targetFrom(message: TargetMessage, embedding = floats(message.embedding)): Target {
  return {
    id: requiredId(message.id, 'target.id'),
    status: statusFrom(required(message.status, 'target.status')),
    embedding,
    modelIds: modelIdsFrom(message.modelIds),
    distanceThreshold: required(message.distanceThreshold, 'target.distance_threshold'),
    rewardPoolShannons: possibleAmount(required(message.rewardPool, 'target.reward_pool'), 'target.reward_pool'),
    generationEpoch: possibleEpoch(
      required(message.generationEpoch, 'target.generation_epoch'),
      'target.generation_epoch',
    ),
    bondShannons: possibleAmount(message.bondAmount ?? 0n, 'target.bond_amount'),
    ...outcomeFrom(message),
  };
}

/** Decodes the fields present in a target message; empty lists count as absent. */
export function partialTargetFrom(message: TargetMessage, embedding = floats(message.embedding)): PartialTarget {
  return {
    id: requiredId(message.id, 'target.id'),
    status: message.status === undefined ? undefined : statusFrom(message.status),
    embedding: embedding.length === 0 ? undefined : embedding,
    modelIds: message.modelIds.length === 0 ? undefined : modelIdsFrom(message.modelIds),
    distanceThreshold: message.distanceThreshold,
    rewardPoolShannons: message.rewardPool,
    generationEpoch: message.generationEpoch,
    bondShannons: message.bondAmount,
    ...outcomeFrom(message),
  };
}
