// The client.

export type { CallOptions, ClientContext } from './client/context.js';
export {
  NETWORKS,
  type NetworkEndpoints,
  type NetworkName,
  networkEndpoints,
  TESTNET_ARCHIVE_URL,
} from './client/networks.js';
export {
  SomaClient,
  type SomaClientDeps,
  type SomaClientOptions,
  type SomaClientSettings,
} from './client/soma-client.js';

// Accounts and coins.

export { type CoinLease, CoinPool, type CoinPoolState } from './client/account/coin-pool.js';
export type { QuarantineReason } from './client/account/coin-quarantine.js';
export {
  type AccountOptions,
  type AmountOrCoin,
  type CommitModelOptions,
  type CreatedModel,
  type CreateModelOptions,
  type RevealModelOptions,
  type SendOptions,
  SomaAccount,
  type SubmitDataOptions,
  type UnsignedTransaction,
} from './client/account/soma-account.js';

// Executing transactions.

export { type ExecuteAndWaitOptions, executeAndWait } from './client/execute/execute-and-wait.js';
export {
  type ExecuteTransactionOptions,
  executeTransaction,
  type TransactionResult,
} from './client/execute/execute-transaction.js';
export { type Recovery, recoverTransaction } from './client/execute/recover-transaction.js';
export { type SimulateTransactionOptions, simulateTransaction } from './client/execute/simulate-transaction.js';
export { objectsOfKind, validateTransaction } from './client/execute/validate-transaction.js';
export { type WaitOptions, waitForCheckpoint } from './client/execute/wait-for-checkpoint.js';
export { warmUpSubmitPath } from './client/execute/warm-up-submit-path.js';

// Reads as functions of a context.

export {
  batchGetObjects,
  batchGetTransactions,
  type CheckpointId,
  downloadTimeoutMs,
  downloadVerified,
  type FetchModelOptions,
  type FetchSubmissionDataOptions,
  fetchModel,
  fetchSubmissionData,
  type GetCheckpointOptions,
  type GetEpochOptions,
  type GetObjectOptions,
  type GetTransactionOptions,
  getActiveModels,
  getBalance,
  getCheckpoint,
  getEpoch,
  getModelManifests,
  getModels,
  getObject,
  getProtocolConfig,
  getServiceInfo,
  getStoredTarget,
  getSystemParameters,
  getSystemState,
  getTarget,
  getTargets,
  getTransaction,
  type ListOwnedObjectsOptions,
  type ListTargetsOptions,
  listAllOwnedObjects,
  listAllTargets,
  listCoins,
  listOwnedObjects,
  listStakes,
  listTargets,
  type MaskedListTargetsOptions,
  manifestOfModel,
  modelSources,
  type NamesModels,
  type ObjectPage,
  type ObjectQuery,
  type OwnedCoin,
  type OwnedStake,
  richestFirst,
  type ServiceInfo,
  type StoredTarget,
  streamModel,
  streamVerified,
  type TargetFilter,
  type TargetPage,
} from './client/read/index.js';
export { maskPaths, type ReadMask } from './client/read-mask.js';

// Results of reads.

export {
  assertSucceeded,
  type BalanceChange,
  type Checkpoint,
  type CheckpointHeader,
  type Epoch,
  type ExecutedTransaction,
  ExecutionError,
  type FetchedObject,
  type ListedTargetStatus,
  type Model,
  type ModelManifest,
  type ModelState,
  type PartialObject,
  type PartialTarget,
  type PendingModelUpdate,
  type ProtocolConstants,
  refOf,
  type StakingPool,
  type SystemParameters,
  type SystemState,
  type Target,
  type TargetState,
  type Validator,
  type ValidatorSet,
} from './client/decode/index.js';

// Watching the chain.

export { type CheckpointTicket, CheckpointWaiter } from './client/watch/checkpoint-waiter.js';
export { type WaitForNextEpochOptions, waitForNextEpoch } from './client/watch/wait-for-next-epoch.js';
export {
  type CheckpointGap,
  type WatchCheckpointsOptions,
  watchCheckpoints,
} from './client/watch/watch-checkpoints.js';
export { type EpochChange, type WatchEpochsOptions, watchEpochs } from './client/watch/watch-epochs.js';
export { type TargetEvent, type WatchTargetsOptions, watchTargets } from './client/watch/watch-targets.js';

// Transport.

export {
  diagnoseEndpoint,
  type Endpoint,
  errorOfStatus,
  type FailoverOptions,
  FailoverTransport,
  type FailoverTransportOptions,
  type FieldViolation,
  type FullnodeEvent,
  type FullnodeState,
  type FullnodeStatus,
  GrpcError,
  type GrpcErrorDetails,
  GrpcTransport,
  type GrpcTransportDeps,
  type GrpcTransportOptions,
  KnownChain,
  methodPath,
  OtherChainError,
  parseEndpoint,
  type RawMethod,
  type ResponseHeaders,
  type RpcTransport,
  type TlsOptions,
} from './client/transport/index.js';

// Amounts, fees and protocol constants.

export {
  BPS_DENOMINATOR,
  bpsMul,
  existingAmount,
  SHANNONS_PER_SOMA,
  shannonsToSoma,
  somaToShannons,
  TOTAL_SUPPLY_SHANNONS,
} from './chain/amount.js';
export {
  type FeeParameters,
  nextValueFeeBps,
  type RewardShares,
  type RewardSplit,
  splitReward,
  submissionBond,
  totalFee,
  valueFee,
  valueFeeBps,
} from './chain/fees.js';
export { PROTOCOL_VERSIONS, type ProtocolConfig, protocolConfig } from './chain/protocol-config.js';

// Ids, digests and commitments.

export { decryptionKeyCommitment, embeddingCommitment, weightsCommitment } from './chain/commitment.js';
export { CREATION_NUMBERS, deriveId, makeTargetSeed } from './chain/derivation.js';
export {
  blake2b256,
  bytes32Codec,
  CANCELLED_DIGEST,
  DELETED_DIGEST,
  type Digest,
  digestCodec,
  digestFromBytes,
  digestToBytes,
  isDigest,
  TESTNET_CHAIN_ID,
  typedDigest,
  typedHash,
  WRAPPED_DIGEST,
  ZERO_DIGEST,
} from './chain/digest.js';
export {
  type Address,
  idCodec,
  idFromBytes,
  idToBytes,
  isId,
  normaliseId,
  OBJECT_ID_MAX,
  OBJECT_ID_ZERO,
  OBJECT_START_VERSION,
  type ObjectId,
  SYSTEM_STATE_INITIAL_SHARED_VERSION,
  SYSTEM_STATE_OBJECT_ID,
  TARGET_INITIAL_SHARED_VERSION,
  VERSION_MAX,
} from './chain/id.js';

// Objects of the ledger.

export {
  type CheckpointCommitment,
  type CheckpointContents,
  type CheckpointSummary,
  type CommitteeMember,
  checkpointContentsDigest,
  checkpointDigest,
  decodeCheckpointContents,
  decodeCheckpointSummary,
  type EndOfEpochData,
  type ExecutionDigests,
  encodeCheckpointContents,
  encodeCheckpointSummary,
} from './chain/checkpoint.js';
export {
  type Coin,
  decodeCoin,
  decodeStakedSoma,
  encodeCoin,
  encodeStakedSoma,
  type StakedSoma,
} from './chain/coin.js';
export { type Manifest, manifestCodec, manifestOf, normaliseUrl } from './chain/manifest.js';
export {
  decodeObject,
  encodeObject,
  OBJECT_TYPES,
  type ObjectType,
  type Owner,
  objectCodec,
  objectDigest,
  objectRefOf,
  objectTypeCodec,
  ownerCodec,
  parseObjectType,
  type SomaObject,
} from './chain/object.js';
export { type ObjectRef, objectRefCodec } from './chain/object-ref.js';
export { decodeTarget, encodeTarget, type TargetPayload, type TargetStatus } from './chain/target.js';
export { type SomaTensor, scalarTensor, scalarValue, tensorCodec, vectorTensor } from './chain/tensor.js';
export { cryptWeights, DECRYPTION_KEY_BYTES } from './chain/weights-cipher.js';

// Keys and signatures.

export {
  addressOfPublicKey,
  addressOfSignature,
  checkMultisigCommittee,
  combineMultisig,
  DEFAULT_DERIVATION_PATH,
  decodeSignedTransaction,
  decodeUserSignature,
  deriveEd25519,
  encodeSignedTransaction,
  encodeSingleSignature,
  encodeUserSignature,
  fromBase64,
  generateMnemonic,
  Keypair,
  MNEMONIC_WORD_COUNTS,
  type MnemonicWordCount,
  MULTISIG_MAX_MEMBERS,
  type MultisigCommittee,
  type MultisigMember,
  type MultisigSignature,
  multisigAddress,
  type ParsedSecret,
  parseKeystoreEntry,
  parseSecret,
  parseTransactionText,
  SCHEME_FLAGS,
  SECRET_HRP,
  type SecretFormat,
  SINGLE_SIGNATURE_BYTES,
  type SignedTransaction,
  type Signer,
  type SingleSignature,
  secretFromMnemonic,
  secretToText,
  signTransaction,
  type TransactionText,
  toBase64,
  type UserSignature,
  verifyEd25519,
  verifyMultisig,
  verifySignedTransaction,
  verifyTransactionSignature,
} from './chain/keys/index.js';

// Transactions and their effects.

export {
  decodeEffects,
  deletedObjects,
  EXECUTION_FAILURES,
  type ExecutionFailure,
  type ExecutionFailureInfo,
  type ExecutionFailureKind,
  type ExecutionStatus,
  effectsDigest,
  encodeEffects,
  executionFailureCodec,
  type FailureText,
  type FailureTextPath,
  f32Text,
  failureKindOfRpc,
  failureText,
  type IdOperation,
  type ObjectChange,
  type ObjectInputState,
  type ObjectOutputState,
  RPC_KIND_OTHER_ERROR,
  type TransactionEffects,
  type TransactionFee,
  transactionEffectsCodec,
  transactionFeeCodec,
  type UnchangedSharedObject,
  type WrittenObject,
  writtenObjects,
} from './chain/effects/index.js';
export {
  type AddStake,
  type AddStakeToModel,
  type AddValidator,
  type ChangeEpoch,
  type CommitModel,
  type ConsensusCommitPrologueV1,
  type CreateModel,
  decodeTransactionData,
  encodeTransactionData,
  type Genesis,
  isSystemKind,
  MAX_TRANSACTION_BYTES,
  type ModelReference,
  type PayCoins,
  type RemoveValidator,
  type ReportValidator,
  type RevealModel,
  type SetCommissionRate,
  type SetModelCommissionRate,
  type SubmitData,
  type TargetReference,
  TRANSACTION_INTENT,
  type TransactionData,
  type TransactionKind,
  type TransactionKindName,
  type TransactionKindOf,
  type TransferCoin,
  type TransferObjects,
  transactionDataCodec,
  transactionDigest,
  transactionDigestBytes,
  transactionKindCodec,
  transactionSigningHash,
  type UpdateValidatorMetadata,
  type WithdrawStake,
} from './chain/transaction/index.js';

// Bytes and messages.

export * as bcs from './chain/bcs/index.js';
export {
  type EffectsToRpcOptions,
  effectsFromRpc,
  effectsToRpc,
  type IdStyle,
  manifestFromRpc,
  manifestToRpc,
  objectFromRpc,
  objectRefFromRpc,
  objectRefToRpc,
  objectToRpc,
  ownerFromRpc,
  ownerToRpc,
  type ReportedChange,
  type ReportedEffects,
  type ReportedFailure,
  statusFromRpc,
  type TransactionToRpcOptions,
  timestampFromRpc,
  timestampToRpc,
  transactionFromRpc,
  transactionKindFromRpc,
  transactionKindToRpc,
  transactionToRpc,
  userSignatureFromRpc,
  userSignatureToRpc,
  WireError,
} from './chain/wire/index.js';

// Publishing a model.

export {
  ModelPublication,
  type PublicationState,
  type PublicationStep,
  type PublishModelDeps,
  type PublishModelOptions,
} from './publish/index.js';

// Services beside the fullnode.

export {
  ADVANCE_EPOCH,
  AdminClient,
  BcsService,
  bcsMethod,
  FaucetClient,
  type FaucetCoin,
  REQUEST_GAS,
  SCORE,
  SCORE_REQUEST,
  SCORE_RESPONSE,
  SCORING_HEALTH,
  SCORING_HEALTH_RESPONSE,
  type ScoreRequest,
  type ScoreResponse,
  ScoringClient,
  type ScoringResult,
  type ServiceOptions,
  type ServiceScoreOptions,
} from './services/index.js';

// Wallet files.

export {
  ALIAS_PATTERN,
  ClientConfig,
  type CreateWalletOptions,
  DEFAULT_ENVIRONMENTS,
  defaultWalletDirectory,
  formatAliases,
  formatKeystore,
  type GeneratedAccount,
  type KeystoreKey,
  parseAliases,
  parseKeystore,
  readKeyFile,
  resolveSigner,
  type SignerSource,
  Wallet,
  type WalletAccount,
  type WalletEnvironment,
  type WalletOptions,
} from './wallet/index.js';
