import type { TransactionKind as RpcTransactionKind } from '../../../gen/soma/rpc/transaction_pb.js';
import { scalarTensor, vectorTensor } from '../tensor.js';
import type { TransactionKind } from '../transaction/index.js';
import { manifestFromRpc, objectFromRpc, objectRefFromRpc, timestampFromRpc } from './values.js';
import { required, requiredBytes, requiredDigest, requiredId, WireError } from './wire-error.js';

/** The schema's spelling of a oneof case. */
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type RpcKind = Extract<RpcTransactionKind['kind'], { readonly case: string }>;

/** Returns the path of a field of the kind, for errors. */
type PathOf = (name: string) => string;

/** Oneof cases of transactions removed from the network. */
type RemovedCase = `${string}Challenge${string}`;

/** A decoder for each case of the message. */
type Decoders = {
  readonly [C in Exclude<RpcKind['case'], RemovedCase>]: (
    value: Extract<RpcKind, { readonly case: C }>['value'],
    at: PathOf,
  ) => TransactionKind;
};

const DECODERS: Decoders = {
  genesis: (value, at) => {
    const objects = value.objects.map((object, index) => objectFromRpc(object, at(`objects[${index}]`)));
    return { kind: 'genesis', objects };
  },
  consensusCommitPrologue: (value, at) => ({
    kind: 'consensusCommitPrologueV1',
    epoch: required(value.epoch, at('epoch')),
    round: required(value.round, at('round')),
    subDagIndex: value.subDagIndex,
    commitTimestampMs: timestampFromRpc(required(value.commitTimestamp, at('commit_timestamp'))),
    consensusCommitDigest: requiredDigest(value.consensusCommitDigest, at('consensus_commit_digest')),
    additionalStateDigest: requiredDigest(value.additionalStateDigest, at('additional_state_digest')),
  }),
  changeEpoch: (value, at) => ({
    kind: 'changeEpoch',
    epoch: required(value.epoch, at('epoch')),
    epochStartTimestampMs: timestampFromRpc(required(value.epochStartTimestamp, at('epoch_start_timestamp'))),
    protocolVersion: required(value.protocolVersion, at('protocol_version')),
    fees: required(value.fees, at('fees')),
    epochRandomness: required(value.epochRandomness, at('epoch_randomness')),
  }),
  addValidator: (value, at) => ({
    kind: 'addValidator',
    pubkeyBytes: required(value.pubkeyBytes, at('pubkey_bytes')),
    networkPubkeyBytes: required(value.networkPubkeyBytes, at('network_pubkey_bytes')),
    workerPubkeyBytes: required(value.workerPubkeyBytes, at('worker_pubkey_bytes')),
    proofOfPossession: required(value.proofOfPossession, at('proof_of_possession')),
    netAddress: required(value.netAddress, at('net_address')),
    p2pAddress: required(value.p2pAddress, at('p2p_address')),
    primaryAddress: required(value.primaryAddress, at('primary_address')),
    proxyAddress: required(value.proxyAddress, at('proxy_address')),
  }),
  removeValidator: (value, at) => ({
    kind: 'removeValidator',
    pubkeyBytes: required(value.pubkeyBytes, at('pubkey_bytes')),
  }),
  reportValidator: (value, at) => ({ kind: 'reportValidator', reportee: requiredId(value.reportee, at('reportee')) }),
  undoReportValidator: (value, at) => ({
    kind: 'undoReportValidator',
    reportee: requiredId(value.reportee, at('reportee')),
  }),
  updateValidatorMetadata: (value) => ({
    kind: 'updateValidatorMetadata',
    nextEpochNetworkAddress: value.nextEpochNetworkAddress,
    nextEpochP2pAddress: value.nextEpochP2pAddress,
    nextEpochPrimaryAddress: value.nextEpochPrimaryAddress,
    nextEpochProxyAddress: value.nextEpochProxyAddress,
    nextEpochProtocolPubkey: value.nextEpochProtocolPubkey,
    nextEpochWorkerPubkey: value.nextEpochWorkerPubkey,
    nextEpochNetworkPubkey: value.nextEpochNetworkPubkey,
    nextEpochProofOfPossession: value.nextEpochProofOfPossession,
  }),
  setCommissionRate: (value, at) => ({ kind: 'setCommissionRate', newRate: required(value.newRate, at('new_rate')) }),
  transferCoin: (value, at) => ({
    kind: 'transferCoin',
    coin: objectRefFromRpc(value.coin, at('coin')),
    amount: value.amount,
    recipient: requiredId(value.recipient, at('recipient')),
  }),
  payCoins: (value, at) => ({
    kind: 'payCoins',
    coins: value.coins.map((coin, index) => objectRefFromRpc(coin, at(`coins[${index}]`))),
    amounts: [...value.amounts],
    recipients: value.recipients.map((each, index) => requiredId(each, at(`recipients[${index}]`))),
  }),
  transferObjects: (value, at) => ({
    kind: 'transferObjects',
    objects: value.objects.map((object, index) => objectRefFromRpc(object, at(`objects[${index}]`))),
    recipient: requiredId(value.recipient, at('recipient')),
  }),
  addStake: (value, at) => ({
    kind: 'addStake',
    address: requiredId(value.address, at('address')),
    coinRef: objectRefFromRpc(value.coinRef, at('coin_ref')),
    amount: value.amount,
  }),
  withdrawStake: (value, at) => ({
    kind: 'withdrawStake',
    stakedSoma: objectRefFromRpc(value.stakedSoma, at('staked_soma')),
  }),
  createModel: (value, at) => ({
    kind: 'createModel',
    stakeAmount: required(value.stakeAmount, at('stake_amount')),
    commissionRate: required(value.commissionRate, at('commission_rate')),
    architectureVersion: required(value.architectureVersion, at('architecture_version')),
  }),
  commitModel: (value, at) => ({
    kind: 'commitModel',
    modelId: requiredId(value.modelId, at('model_id')),
    manifest: manifestFromRpc(value.manifest, at('manifest')),
    weightsCommitment: requiredBytes(value.weightsCommitment, 32, at('weights_commitment')),
    embeddingCommitment: requiredBytes(value.embeddingCommitment, 32, at('embedding_commitment')),
    decryptionKeyCommitment: requiredBytes(value.decryptionKeyCommitment, 32, at('decryption_key_commitment')),
  }),
  revealModel: (value, at) => ({
    kind: 'revealModel',
    modelId: requiredId(value.modelId, at('model_id')),
    decryptionKey: requiredBytes(value.decryptionKey, 32, at('decryption_key')),
    embedding: vectorTensor(value.embedding),
  }),
  addStakeToModel: (value, at) => ({
    kind: 'addStakeToModel',
    modelId: requiredId(value.modelId, at('model_id')),
    coinRef: objectRefFromRpc(value.coinRef, at('coin_ref')),
    amount: value.amount,
  }),
  setModelCommissionRate: (value, at) => ({
    kind: 'setModelCommissionRate',
    modelId: requiredId(value.modelId, at('model_id')),
    newRate: required(value.newRate, at('new_rate')),
  }),
  deactivateModel: (value, at) => ({ kind: 'deactivateModel', modelId: requiredId(value.modelId, at('model_id')) }),
  reportModel: (value, at) => ({ kind: 'reportModel', modelId: requiredId(value.modelId, at('model_id')) }),
  undoReportModel: (value, at) => ({ kind: 'undoReportModel', modelId: requiredId(value.modelId, at('model_id')) }),
  submitData: (value, at) => {
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
  },
  claimRewards: (value, at) => ({ kind: 'claimRewards', targetId: requiredId(value.targetId, at('target_id')) }),
  reportSubmission: (value, at) => ({
    kind: 'reportSubmission',
    targetId: requiredId(value.targetId, at('target_id')),
  }),
  undoReportSubmission: (value, at) => ({
    kind: 'undoReportSubmission',
    targetId: requiredId(value.targetId, at('target_id')),
  }),
};

/**
 * Converts a message to a transaction kind in the same way as a fullnode: tensors have shapes `[n]` and `[1]`, PayCoins
 * always has amounts, URLs are normalised.
 *
 * @param field path of the message, for errors
 * @throws WireError when a field is missing or unreadable
 * @throws WireError when the kind is one of the removed challenge transactions
 */
export function transactionKindFromRpc(message: RpcTransactionKind | undefined, field = 'kind'): TransactionKind {
  const { kind } = required(message, field);
  if (kind.case === undefined) throw new WireError(field, 'FIELD_MISSING', 'names no kind of transaction');
  const decode = (DECODERS as Readonly<Record<string, ((value: unknown, at: PathOf) => TransactionKind) | undefined>>)[
    kind.case
  ];
  if (decode === undefined) {
    throw new WireError(field, 'FIELD_INVALID', 'is a challenge transaction, which is no longer supported');
  }
  return decode(kind.value, (name) => `${field}.${snakeCase(kind.case)}.${name}`);
}
