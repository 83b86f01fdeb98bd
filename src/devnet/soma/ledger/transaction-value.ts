import type { TransactionKind } from '../../../soma/chain/transaction/index.js';
import { coinBalance } from './ledger-object.js';
import type { TransactionContext } from './transaction-context.js';

/**
 * The shannons that a transaction moves, on which the value fee is charged; computed after gas smashing and before
 * execution.
 */
export function transactionValue(context: TransactionContext, kind: TransactionKind): bigint {
  const held = (id: string): bigint => {
    const object = context.read(id);
    return object === undefined ? 0n : coinBalance(object);
  };
  switch (kind.kind) {
    case 'transferCoin':
      return kind.amount ?? held(kind.coin.objectId);
    case 'payCoins':
      return kind.amounts === undefined
        ? kind.coins.reduce((sum, each) => sum + held(each.objectId), 0n)
        : kind.amounts.reduce((sum, each) => sum + each, 0n);
    case 'addStake':
    case 'addStakeToModel':
      return kind.amount ?? held(kind.coinRef.objectId);
    case 'createModel':
      return kind.stakeAmount;
    case 'withdrawStake': {
      const object = context.read(kind.stakedSoma.objectId);
      return object?.payload.type === 'StakedSoma' ? object.payload.stake.principal : 0n;
    }
    case 'claimRewards': {
      const object = context.read(kind.targetId);
      return object?.payload.type === 'Target' ? object.payload.target.rewardPool : 0n;
    }
    default:
      return 0n;
  }
}
