import { submissionBond } from '../../../../soma/chain/fees.js';
import type { TargetPayload } from '../../../../soma/chain/target.js';
import { scalarValue } from '../../../../soma/chain/tensor.js';
import type { SubmitData } from '../../../../soma/chain/transaction/index.js';
import { generateTarget } from '../../state/target-generation.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Fills a target, checking in the order of `authority/src/execution/submission.rs`, and creates its replacement. */
export function executeSubmitData(context: TransactionContext, kind: SubmitData): void {
  const { parameters, epoch } = context;
  const { object, target } = context.target(kind.targetId);
  if (target.status.kind !== 'open') fail({ kind: 'targetNotOpen' });
  if (epoch > target.generationEpoch) {
    fail({ kind: 'targetExpired', generationEpoch: target.generationEpoch, currentEpoch: epoch });
  }
  if (!target.modelIds.includes(kind.modelId)) {
    fail({ kind: 'modelNotInTarget', modelId: kind.modelId, targetId: kind.targetId });
  }
  const expected = BigInt(target.embedding.values.length);
  const actual = BigInt(kind.embedding.values.length);
  if (expected !== actual) fail({ kind: 'embeddingDimensionMismatch', expected, actual });
  // A plain comparison: equality passes, and so does NaN.
  if (scalarValue(kind.distanceScore) > scalarValue(target.distanceThreshold)) {
    fail({ kind: 'distanceExceedsThreshold', score: kind.distanceScore, threshold: target.distanceThreshold });
  }
  const size = kind.dataManifest.size;
  if (size > parameters.maxSubmissionDataSize) {
    fail({ kind: 'dataExceedsMaxSize', size, maxSize: parameters.maxSubmissionDataSize });
  }
  const required = submissionBond(size, parameters.submissionBondPerByte);
  if (required > U64_MAX) fail({ kind: 'arithmeticOverflow' });
  const bond = context.coin(kind.bondCoin.objectId);
  if (bond.balance < required) fail({ kind: 'insufficientBond', required, provided: bond.balance });
  context.spend(bond.object, bond.balance - required);
  const model = context.state.modelRegistry.models.get(kind.modelId);
  if (model?.state !== 'active') fail({ kind: 'modelNotActive' });

  const filled: TargetPayload = {
    ...target,
    status: { kind: 'filled', fillEpoch: epoch },
    submitter: context.sender,
    winningModelId: kind.modelId,
    winningModelOwner: model.owner,
    bondAmount: required,
    winningDataManifest: kind.dataManifest,
    winningEmbedding: kind.embedding,
    winningDistanceScore: kind.distanceScore,
    winningLossScore: kind.lossScore,
  };
  context.write(object, { type: 'Target', target: filled });

  const hitsThisEpoch = context.state.targetState.hitsThisEpoch + 1n;
  context.state = { ...context.state, targetState: { ...context.state.targetState, hitsThisEpoch } };
  // Creation number 0 is reserved and unused; 1 seeds the replacement and 2 is its id.
  const replacement = generateTarget(context.state, context.seedOf(1n));
  if (replacement === undefined) return;
  context.state = replacement.state;
  context.create(
    { type: 'Target', target: replacement.target },
    { kind: 'shared', initialSharedVersion: 1n },
    context.idOf(2n),
  );
}
