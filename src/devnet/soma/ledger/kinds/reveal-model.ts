import { decryptionKeyCommitment, embeddingCommitment } from '../../../../soma/chain/commitment.js';
import type { RevealModel } from '../../../../soma/chain/transaction/index.js';
import type { ActiveModel } from '../../state/model.js';
import { sameBytes } from '../../state/same-bytes.js';
import { activatePool } from '../../state/staking-pool.js';
import { withModel } from '../../state/system-state.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** Reveals the key and embedding that were committed to exactly one epoch before, which activates the model. */
export function executeRevealModel(context: TransactionContext, kind: RevealModel): void {
  const model = context.state.modelRegistry.models.get(kind.modelId);
  if (model === undefined) fail({ kind: 'modelNotFound' });
  if (model.state !== 'pending' && model.state !== 'active') fail({ kind: 'modelInvalidState' });
  if (model.owner !== context.sender) fail({ kind: 'notModelOwner' });
  const commitment = model.state === 'pending' ? model : model.pendingUpdate;
  if (commitment === undefined) fail({ kind: 'modelNoPendingUpdate' });
  if (context.epoch !== commitment.commitEpoch + 1n) fail({ kind: 'modelRevealEpochMismatch' });
  if (!sameBytes(decryptionKeyCommitment(kind.decryptionKey), commitment.decryptionKeyCommitment)) {
    fail({ kind: 'modelDecryptionKeyCommitmentMismatch' });
  }
  if (!sameBytes(embeddingCommitment(kind.embedding), commitment.embeddingCommitment)) {
    fail({ kind: 'modelEmbeddingCommitmentMismatch' });
  }
  const active: ActiveModel = {
    state: 'active',
    owner: model.owner,
    architectureVersion: model.architectureVersion,
    stakingPool: model.state === 'active' ? model.stakingPool : activatePool(model.stakingPool, context.epoch),
    commissionRate: model.commissionRate,
    nextEpochCommissionRate: model.nextEpochCommissionRate,
    manifest: commitment.manifest,
    weightsCommitment: commitment.weightsCommitment,
    embeddingCommitment: commitment.embeddingCommitment,
    decryptionKeyCommitment: commitment.decryptionKeyCommitment,
    decryptionKey: kind.decryptionKey,
    embedding: kind.embedding,
    pendingUpdate: undefined,
  };
  context.state = withModel(context.state, kind.modelId, active);
}
