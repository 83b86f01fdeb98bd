import { normalArray } from '../../../random/arrgen.js';
import { bpsMul } from '../../../soma/chain/amount.js';
import type { ObjectId } from '../../../soma/chain/id.js';
import { protocolConfig } from '../../../soma/chain/protocol-config.js';
import type { TargetPayload } from '../../../soma/chain/target.js';
import { scalarTensor, vectorTensor } from '../../../soma/chain/tensor.js';
import type { ActiveModel } from './model.js';
import type { SystemState } from './system-state.js';

/** A new target, and the state after its creation. */
export interface GeneratedTarget {
  readonly state: SystemState;
  readonly target: TargetPayload;
}

/** Keeps the score finite for models without stake. `types/src/target.rs`. */
const WEIGHT_EPSILON = Math.fround(1e-10);

/** Active models with their ids. */
function activeModels(state: SystemState): readonly (readonly [ObjectId, ActiveModel])[] {
  const active: (readonly [ObjectId, ActiveModel])[] = [];
  for (const [id, model] of state.modelRegistry.models) if (model.state === 'active') active.push([id, model]);
  // The chain iterates in id order, which decides ties.
  return active.sort(([a], [b]) => (a < b ? -1 : 1));
}

function norm(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum = Math.fround(sum + Math.fround(value * value));
  return Math.fround(Math.sqrt(sum));
}

function cosineDistance(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  for (let index = 0; index < a.length; index++) dot = Math.fround(dot + Math.fround(a[index]! * b[index]!));
  return Math.fround(1 - Math.fround(dot / Math.fround(norm(a) * norm(b))));
}

/**
 * Selects the models of a target: the `count` smallest by cosine distance over stake weight, ascending. The weight
 * grows with the square root of the stake.
 */
function selectModels(
  models: readonly (readonly [ObjectId, ActiveModel])[],
  embedding: Float32Array,
  count: number,
): readonly ObjectId[] {
  const roots = models.map(([, model]) => Math.sqrt(Number(model.stakingPool.somaBalance)));
  const total = roots.reduce((sum, root) => sum + root, 0);
  const scored = models.map(([id, model], index) => {
    const weight = Math.fround(total === 0 ? 0 : roots[index]! / total);
    const distance = cosineDistance(embedding, model.embedding.values);
    return { id, score: Math.fround(distance / Math.fround(weight + WEIGHT_EPSILON)) };
  });
  // NaN scores (from a zero embedding) sort last.
  scored.sort((a, b) => (a.score < b.score ? -1 : a.score > b.score ? 1 : Number.isNaN(a.score) ? 1 : 0));
  return scored.slice(0, count).map(({ id }) => id);
}

/**
 * Creates a target of the current epoch from a seed; its reward is taken from the emission pool.
 *
 * @returns `undefined` when no model is active, the pool cannot pay, or (from protocol version 3) the epoch's target
 * budget is spent
 */
export function generateTarget(state: SystemState, seed: bigint): GeneratedTarget | undefined {
  const models = activeModels(state);
  const { targetState, emissionPool, parameters } = state;
  if (models.length === 0 || emissionPool.balance < targetState.rewardPerTarget) return undefined;
  if (protocolConfig(state.protocolVersion).hasPerEpochTargetBudget) {
    const budget = bpsMul(emissionPool.emissionPerEpoch, parameters.targetRewardAllocationBps);
    if ((targetState.targetsGeneratedThisEpoch + 1n) * targetState.rewardPerTarget > budget) return undefined;
  }
  const embedding = normalArray(seed, Number(parameters.targetEmbeddingDim));
  const target: TargetPayload = {
    embedding: vectorTensor(embedding),
    modelIds: selectModels(models, embedding, Number(parameters.targetModelsPerTarget)),
    distanceThreshold: scalarTensor(targetState.distanceThreshold),
    rewardPool: targetState.rewardPerTarget,
    generationEpoch: state.epoch,
    status: { kind: 'open' },
    bondAmount: 0n,
    submissionReports: [],
  };
  return {
    target,
    state: {
      ...state,
      emissionPool: { ...emissionPool, balance: emissionPool.balance - targetState.rewardPerTarget },
      targetState: { ...targetState, targetsGeneratedThisEpoch: targetState.targetsGeneratedThisEpoch + 1n },
    },
  };
}
