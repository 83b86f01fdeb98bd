import {
  type ObjectId,
  SYSTEM_STATE_INITIAL_SHARED_VERSION,
  SYSTEM_STATE_OBJECT_ID,
  TARGET_INITIAL_SHARED_VERSION,
} from '../../../soma/chain/id.js';
import type { ObjectRef } from '../../../soma/chain/object-ref.js';
import type { TransactionKind } from '../../../soma/chain/transaction/index.js';

/** A shared object that a transaction may change. */
export interface SharedInput {
  readonly objectId: ObjectId;
  readonly initialSharedVersion: bigint;
}

/** The objects used by a kind, except gas coins. */
export interface KindInputs {
  readonly owned: readonly ObjectRef[];
  readonly shared: readonly SharedInput[];
}

const SYSTEM: SharedInput = {
  objectId: SYSTEM_STATE_OBJECT_ID,
  initialSharedVersion: SYSTEM_STATE_INITIAL_SHARED_VERSION,
};

const target = (objectId: ObjectId): SharedInput => ({
  objectId,
  initialSharedVersion: TARGET_INITIAL_SHARED_VERSION,
});

/** The inputs of a kind (`TransactionKind::input_objects`); all kinds but plain transfers use the system state. */
export function kindInputs(kind: TransactionKind): KindInputs {
  switch (kind.kind) {
    case 'transferCoin':
      return { owned: [kind.coin], shared: [] };
    case 'payCoins':
      return { owned: kind.coins, shared: [] };
    case 'transferObjects':
      return { owned: kind.objects, shared: [] };
    case 'addStake':
    case 'addStakeToModel':
      return { owned: [kind.coinRef], shared: [SYSTEM] };
    case 'withdrawStake':
      return { owned: [kind.stakedSoma], shared: [SYSTEM] };
    case 'submitData':
      return { owned: [kind.bondCoin], shared: [SYSTEM, target(kind.targetId)] };
    case 'claimRewards':
    case 'reportSubmission':
    case 'undoReportSubmission':
      return { owned: [], shared: [SYSTEM, target(kind.targetId)] };
    case 'genesis':
      return { owned: [], shared: [] };
    default:
      return { owned: [], shared: [SYSTEM] };
  }
}
