import type { CommitModel } from '../../../../soma/chain/transaction/index.js';
import type { ModelCommitment, PendingModel } from '../../state/model.js';
import { withModel } from '../../state/system-state.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** Commits to the weights of a created model, or to an update of an active one. */
export function executeCommitModel(context: TransactionContext, kind: CommitModel): void {
  const model = context.state.modelRegistry.models.get(kind.modelId);
  if (model === undefined) fail({ kind: 'modelNotFound' });
  if (model.state !== 'created' && model.state !== 'active') fail({ kind: 'modelInvalidState' });
  if (model.owner !== context.sender) fail({ kind: 'notModelOwner' });
  const commitment: ModelCommitment = {
    manifest: kind.manifest,
    weightsCommitment: kind.weightsCommitment,
    embeddingCommitment: kind.embeddingCommitment,
    decryptionKeyCommitment: kind.decryptionKeyCommitment,
  };
  const commitEpoch = context.epoch;
  if (model.state === 'active') {
    const updated = { ...model, pendingUpdate: { ...commitment, commitEpoch } };
    context.state = withModel(context.state, kind.modelId, updated);
    return;
  }
  const { createEpoch: _createEpoch, ...base } = model;
  const pending: PendingModel = { ...base, ...commitment, state: 'pending', commitEpoch };
  context.state = withModel(context.state, kind.modelId, pending);
}
