import { bpsMul } from '../../../../soma/chain/amount.js';
import { splitReward } from '../../../../soma/chain/fees.js';
import type { Address, ObjectId } from '../../../../soma/chain/id.js';
import type { TargetPayload } from '../../../../soma/chain/target.js';
import type { TargetReference } from '../../../../soma/chain/transaction/index.js';
import { QUORUM_VOTING_POWER, votingPowerOf } from '../../state/validator.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** Pays out a target's reward and deletes it; anyone can claim. */
export function executeClaimRewards(context: TransactionContext, kind: TargetReference): void {
  const { target } = context.target(kind.targetId);
  if (target.status.kind === 'claimed') fail({ kind: 'targetAlreadyClaimed' });
  if (target.status.kind === 'filled') claimFilled(context, kind.targetId, target, target.status.fillEpoch);
  else claimExpired(context, kind.targetId, target);
}

function pay(context: TransactionContext, to: Address, amount: bigint): void {
  if (amount > 0n) context.createCoin(to, amount);
}

function returnToEmission(context: TransactionContext, amount: bigint): void {
  const { state } = context;
  const emissionPool = { ...state.emissionPool, balance: state.emissionPool.balance + amount };
  context.state = { ...state, emissionPool };
}

function claimFilled(context: TransactionContext, targetId: ObjectId, target: TargetPayload, fillEpoch: bigint): void {
  const { epoch, parameters, sender } = context;
  if (epoch <= fillEpoch + 1n) fail({ kind: 'auditWindowOpen', fillEpoch, currentEpoch: epoch });
  const { submitter, winningModelOwner, rewardPool, bondAmount, submissionReports } = target;
  if (submitter === undefined || winningModelOwner === undefined) fail({ kind: 'targetNotFilled' });
  const incentive = bpsMul(rewardPool, parameters.targetClaimerIncentiveBps);
  if (votingPowerOf(context.state.validators, submissionReports) >= QUORUM_VOTING_POWER) {
    const share = bondAmount / BigInt(submissionReports.length);
    const rounding = bondAmount - share * BigInt(submissionReports.length);
    for (const [index, reporter] of submissionReports.entries()) {
      pay(context, reporter, index === 0 ? share + rounding : share);
    }
    // The whole reward is returned, and the incentive is paid on top of it.
    returnToEmission(context, rewardPool);
    pay(context, sender, incentive);
  } else {
    const split = splitReward(rewardPool, parameters);
    pay(context, submitter, split.submitter);
    pay(context, winningModelOwner, split.modelOwner);
    pay(context, sender, split.claimer);
    pay(context, submitter, bondAmount);
    // The system state is an input of every claim and is written even if unchanged.
    returnToEmission(context, 0n);
  }
  context.remove(targetId);
}

function claimExpired(context: TransactionContext, targetId: ObjectId, target: TargetPayload): void {
  if (context.epoch <= target.generationEpoch) fail({ kind: 'targetNotFilled' });
  const incentive = bpsMul(target.rewardPool, context.parameters.targetClaimerIncentiveBps);
  pay(context, context.sender, incentive);
  returnToEmission(context, target.rewardPool - incentive);
  context.remove(targetId);
}
