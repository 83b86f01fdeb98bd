import type { TransactionKind as RpcTransactionKind } from '../../../gen/soma/rpc/transaction_pb.js';
import { scalarTensor, vectorTensor } from '../tensor.js';
import type { TransactionKind } from '../transaction/index.js';
import { manifestFromRpc, objectFromRpc, objectRefFromRpc, timestampFromRpc } from './values.js';
import { required, requiredBytes, requiredDigest, requiredId, WireError } from './wire-error.js';

/** The name of a oneof case as the schema spells it. */
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * The transaction kind of a message, as a fullnode rebuilds it: tensors get the shapes `[n]` and `[1]`, PayCoins always
 * has amounts, URLs are normalised.
 *
 * @param field path of the message, for errors
 * @throws WireError when a field is missing or unreadable
 * @throws WireError when the kind is one of the removed challenge transactions
 */
export function transactionKindFromRpc(message: RpcTransactionKind | undefined, field = 'kind'): TransactionKind {
  const { kind } = required(message, field);
  if (kind.case === undefined) throw new WireError(field, 'FIELD_MISSING', 'names no kind of transaction');
  const at = (name: string): string => `${field}.${snakeCase(kind.case)}.${name}`;
  switch (kind.case) {
    case 'genesis': {
      const objects = kind.value.objects.map((object, index) => objectFromRpc(object, at(`objects[${index}]`)));
      return { kind: 'genesis', objects };
    }
    case 'consensusCommitPrologue': {
      const { value } = kind;
      return {
        kind: 'consensusCommitPrologueV1',
        epoch: required(value.epoch, at('epoch')),
        round: required(value.round, at('round')),
        subDagIndex: value.subDagIndex,
        commitTimestampMs: timestampFromRpc(required(value.commitTimestamp, at('commit_timestamp'))),
        consensusCommitDigest: requiredDigest(value.consensusCommitDigest, at('consensus_commit_digest')),
        additionalStateDigest: requiredDigest(value.additionalStateDigest, at('additional_state_digest')),
      };
    }
    case 'changeEpoch': {
      const { value } = kind;
      return {
        kind: 'changeEpoch',
        epoch: required(value.epoch, at('epoch')),
        epochStartTimestampMs: timestampFromRpc(required(value.epochStartTimestamp, at('epoch_start_timestamp'))),
        protocolVersion: required(value.protocolVersion, at('protocol_version')),
        fees: required(value.fees, at('fees')),
        epochRandomness: required(value.epochRandomness, at('epoch_randomness')),
      };
    }
    case 'addValidator': {
      const { value } = kind;
      return {
        kind: 'addValidator',
        pubkeyBytes: required(value.pubkeyBytes, at('pubkey_bytes')),
        networkPubkeyBytes: required(value.networkPubkeyBytes, at('network_pubkey_bytes')),
        workerPubkeyBytes: required(value.workerPubkeyBytes, at('worker_pubkey_bytes')),
        proofOfPossession: required(value.proofOfPossession, at('proof_of_possession')),
        netAddress: required(value.netAddress, at('net_address')),
        p2pAddress: required(value.p2pAddress, at('p2p_address')),
        primaryAddress: required(value.primaryAddress, at('primary_address')),
        proxyAddress: required(value.proxyAddress, at('proxy_address')),
      };
    }
    case 'removeValidator':
      return { kind: 'removeValidator', pubkeyBytes: required(kind.value.pubkeyBytes, at('pubkey_bytes')) };
    case 'reportValidator':
    case 'undoReportValidator':
      return { kind: kind.case, reportee: requiredId(kind.value.reportee, at('reportee')) };
    case 'updateValidatorMetadata': {
      const { value } = kind;
      return {
        kind: 'updateValidatorMetadata',
        nextEpochNetworkAddress: value.nextEpochNetworkAddress,
        nextEpochP2pAddress: value.nextEpochP2pAddress,
        nextEpochPrimaryAddress: value.nextEpochPrimaryAddress,
        nextEpochProxyAddress: value.nextEpochProxyAddress,
        nextEpochProtocolPubkey: value.nextEpochProtocolPubkey,
        nextEpochWorkerPubkey: value.nextEpochWorkerPubkey,
        nextEpochNetworkPubkey: value.nextEpochNetworkPubkey,
        nextEpochProofOfPossession: value.nextEpochProofOfPossession,
      };
    }
    case 'setCommissionRate':
      return { kind: 'setCommissionRate', newRate: required(kind.value.newRate, at('new_rate')) };
    case 'transferCoin':
      return {
        kind: 'transferCoin',
        coin: objectRefFromRpc(kind.value.coin, at('coin')),
        amount: kind.value.amount,
        recipient: requiredId(kind.value.recipient, at('recipient')),
      };
    case 'payCoins':
      return {
        kind: 'payCoins',
        coins: kind.value.coins.map((coin, index) => objectRefFromRpc(coin, at(`coins[${index}]`))),
        amounts: [...kind.value.amounts],
        recipients: kind.value.recipients.map((each, index) => requiredId(each, at(`recipients[${index}]`))),
      };
    case 'transferObjects':
      return {
        kind: 'transferObjects',
        objects: kind.value.objects.map((object, index) => objectRefFromRpc(object, at(`objects[${index}]`))),
        recipient: requiredId(kind.value.recipient, at('recipient')),
      };
    case 'addStake':
      return {
        kind: 'addStake',
        address: requiredId(kind.value.address, at('address')),
        coinRef: objectRefFromRpc(kind.value.coinRef, at('coin_ref')),
        amount: kind.value.amount,
      };
    case 'withdrawStake':
      return { kind: 'withdrawStake', stakedSoma: objectRefFromRpc(kind.value.stakedSoma, at('staked_soma')) };
    case 'createModel':
      return {
        kind: 'createModel',
        stakeAmount: required(kind.value.stakeAmount, at('stake_amount')),
        commissionRate: required(kind.value.commissionRate, at('commission_rate')),
        architectureVersion: required(kind.value.architectureVersion, at('architecture_version')),
      };
    case 'commitModel': {
      const { value } = kind;
      return {
        kind: 'commitModel',
        modelId: requiredId(value.modelId, at('model_id')),
        manifest: manifestFromRpc(value.manifest, at('manifest')),
        weightsCommitment: requiredBytes(value.weightsCommitment, 32, at('weights_commitment')),
        embeddingCommitment: requiredBytes(value.embeddingCommitment, 32, at('embedding_commitment')),
        decryptionKeyCommitment: requiredBytes(value.decryptionKeyCommitment, 32, at('decryption_key_commitment')),
      };
    }
    case 'revealModel':
      return {
        kind: 'revealModel',
        modelId: requiredId(kind.value.modelId, at('model_id')),
        decryptionKey: requiredBytes(kind.value.decryptionKey, 32, at('decryption_key')),
        embedding: vectorTensor(kind.value.embedding),
      };
    case 'addStakeToModel':
      return {
        kind: 'addStakeToModel',
        modelId: requiredId(kind.value.modelId, at('model_id')),
        coinRef: objectRefFromRpc(kind.value.coinRef, at('coin_ref')),
        amount: kind.value.amount,
      };
    case 'setModelCommissionRate':
      return {
        kind: 'setModelCommissionRate',
        modelId: requiredId(kind.value.modelId, at('model_id')),
        newRate: required(kind.value.newRate, at('new_rate')),
      };
    case 'deactivateModel':
    case 'reportModel':
    case 'undoReportModel':
      return { kind: kind.case, modelId: requiredId(kind.value.modelId, at('model_id')) };
    case 'submitData': {
      const { value } = kind;
      const submission = required(value.dataManifest, at('data_manifest'));
      return {
        kind: 'submitData',
        targetId: requiredId(value.targetId, at('target_id')),
        dataManifest: manifestFromRpc(submission.manifest, at('data_manifest.manifest')),
        modelId: requiredId(value.modelId, at('model_id')),
        embedding: vectorTensor(value.embedding),
        distanceScore: scalarTensor(required(value.distanceScore, at('distance_score'))),
        lossScore: vectorTensor(value.lossScore),
        bondCoin: objectRefFromRpc(value.bondCoin, at('bond_coin')),
      };
    }
    case 'claimRewards':
    case 'reportSubmission':
    case 'undoReportSubmission':
      return { kind: kind.case, targetId: requiredId(kind.value.targetId, at('target_id')) };
    case 'initiateChallenge':
    case 'reportChallenge':
    case 'undoReportChallenge':
    case 'claimChallengeBond':
      throw new WireError(field, 'FIELD_INVALID', 'is a challenge transaction, which is no longer supported');
  }
}
