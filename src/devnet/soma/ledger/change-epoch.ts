import type { Digest } from '../../../soma/chain/digest.js';
import type { TransactionFee } from '../../../soma/chain/effects/index.js';
import { OBJECT_ID_ZERO, SYSTEM_STATE_OBJECT_ID } from '../../../soma/chain/id.js';
import { advanceEpoch, type EpochChange } from '../state/advance-epoch.js';
import { generateTarget } from '../state/target-generation.js';
import { type ExecutionOutcome, outcomeOf } from './execution-outcome.js';
import type { LedgerObject } from './ledger-object.js';
import { TransactionContext } from './transaction-context.js';

const NO_FEE: TransactionFee = { baseFee: 0n, operationFee: 0n, valueFee: 0n, totalFee: 0n };

/** Executes the system transaction that starts an epoch: first the accounting, then the epoch's targets. */
export function executeChangeEpoch(digest: Digest, systemObject: LedgerObject, change: EpochChange): ExecutionOutcome {
  if (systemObject.payload.type !== 'SystemState') throw new TypeError('the system state object holds no system state');
  const before = systemObject.payload.state;
  const context = new TransactionContext({
    digest,
    sender: OBJECT_ID_ZERO,
    inputs: new Map([[SYSTEM_STATE_OBJECT_ID, systemObject]]),
    state: before,
    gasCoinId: undefined,
  });
  const { state, commissions } = advanceEpoch(before, change);
  context.state = state;
  for (const { owner, poolId, principal } of commissions) {
    const stake = { poolId, stakeActivationEpoch: change.newEpoch, principal };
    context.create({ type: 'StakedSoma', stake }, { kind: 'address', address: owner });
  }
  createTargets(context);
  return outcomeOf(context, undefined, NO_FEE, new Map());
}

/** Creates the initial targets of an epoch, as many as the emission and budget allow. */
export function createTargets(context: TransactionContext): void {
  const { targetInitialTargetsPerEpoch } = context.state.parameters;
  for (let made = 0n; made < targetInitialTargetsPerEpoch; made++) {
    const number = context.nextNumber();
    const generated = generateTarget(context.state, context.seedOf(number));
    if (generated === undefined) return;
    context.state = generated.state;
    context.create(
      { type: 'Target', target: generated.target },
      { kind: 'shared', initialSharedVersion: 1n },
      context.idOf(number),
    );
  }
}
