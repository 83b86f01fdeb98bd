import {
  bool,
  bytes,
  type Codec,
  encodeBcs,
  map,
  option,
  sortedSet,
  string,
  struct,
  u64,
  union,
  vector,
  versionOne,
} from '../../../soma/chain/bcs/index.js';
import { bytes32Codec } from '../../../soma/chain/digest.js';
import { idCodec } from '../../../soma/chain/id.js';
import { manifestCodec } from '../../../soma/chain/manifest.js';
import { scalarTensor, scalarValue, tensorCodec } from '../../../soma/chain/tensor.js';
import type { ActiveModel, CreatedModel, InactiveModel, Model, PendingModel, PendingModelUpdate } from './model.js';
import type { PoolTokenExchangeRate, StakingPool } from './staking-pool.js';
import type { SystemParameters } from './system-parameters.js';
import type { EmissionPool, ModelRegistry, SystemState, TargetState } from './system-state.js';
import type { StagedMetadata, Validator, ValidatorMetadata, ValidatorSet } from './validator.js';

/** A scalar f32 in the chain's encoding: a tensor of shape `[1]`. */
const scalar: Codec<number> = {
  minBytes: tensorCodec.minBytes,
  write: (w, v) => tensorCodec.write(w, scalarTensor(v)),
  read: (r) => scalarValue(tensorCodec.read(r)),
};

/** Caches the encoding of immutable values, so that after a change of one model only that model is encoded again. */
function remembered<T extends object>(codec: Codec<T>): Codec<T> {
  const known = new WeakMap<T, Uint8Array>();
  return {
    minBytes: codec.minBytes,
    write: (w, value) => {
      let encoded = known.get(value);
      if (encoded === undefined) {
        encoded = encodeBcs(codec, value);
        known.set(value, encoded);
      }
      w.raw(encoded);
    },
    read: (r) => codec.read(r),
  };
}

const poolCodec = struct<StakingPool>({
  id: idCodec,
  activationEpoch: option(u64),
  deactivationEpoch: option(u64),
  somaBalance: u64,
  rewardsPool: u64,
  poolTokenBalance: u64,
  exchangeRates: map(u64, struct<PoolTokenExchangeRate>({ somaAmount: u64, poolTokenAmount: u64 })),
  pendingStake: u64,
  pendingTotalSomaWithdraw: u64,
  pendingPoolTokenWithdraw: u64,
});

const base = {
  owner: idCodec,
  architectureVersion: u64,
  stakingPool: poolCodec,
  commissionRate: u64,
  nextEpochCommissionRate: u64,
};
const commitment = {
  manifest: manifestCodec,
  weightsCommitment: bytes32Codec,
  embeddingCommitment: bytes32Codec,
  decryptionKeyCommitment: bytes32Codec,
};
const revealed = { ...base, ...commitment, decryptionKey: bytes32Codec, embedding: tensorCodec };

const modelCodec = remembered<Model>(
  versionOne(
    union<Model, 'state'>('state', {
      created: struct<Omit<CreatedModel, 'state'>>({ ...base, createEpoch: u64 }),
      pending: struct<Omit<PendingModel, 'state'>>({ ...base, ...commitment, commitEpoch: u64 }),
      active: struct<Omit<ActiveModel, 'state'>>({
        ...revealed,
        pendingUpdate: option(struct<PendingModelUpdate>({ ...commitment, commitEpoch: u64 })),
      }),
      inactive: struct<Omit<InactiveModel, 'state'>>(revealed),
    }),
  ),
);

const stagedCodec = struct<StagedMetadata>({
  protocolPubkey: option(bytes),
  networkPubkey: option(bytes),
  netAddress: option(string),
  p2pAddress: option(string),
  primaryAddress: option(string),
  workerPubkey: option(bytes),
  proofOfPossession: option(bytes),
});

// The next epoch's proxy address is part of the layout but never set.
const neverSet = option(string);
const metadataCodec = struct<ValidatorMetadata>({
  somaAddress: idCodec,
  protocolPubkey: bytes,
  networkPubkey: bytes,
  workerPubkey: bytes,
  netAddress: string,
  p2pAddress: string,
  primaryAddress: string,
  proxyAddress: string,
  proofOfPossession: bytes,
  nextEpoch: {
    minBytes: stagedCodec.minBytes + 1,
    write: (w, v) => {
      stagedCodec.write(w, v);
      neverSet.write(w, undefined);
    },
    read: (r) => {
      const staged = stagedCodec.read(r);
      neverSet.read(r);
      return staged;
    },
  },
});

const validatorCodec = remembered(
  struct<Validator>({
    metadata: metadataCodec,
    votingPower: u64,
    stakingPool: poolCodec,
    commissionRate: u64,
    nextEpochStake: u64,
    nextEpochCommissionRate: u64,
  }),
);

const index: Codec<number> = { minBytes: 8, write: (w, v) => w.u64(BigInt(v)), read: (r) => Number(r.u64()) };

const validatorSetCodec = remembered(
  struct<ValidatorSet>({
    totalStake: u64,
    validators: vector(validatorCodec),
    pendingValidators: vector(validatorCodec),
    pendingRemovals: vector(index),
    stakingPoolMappings: map(idCodec, idCodec),
    inactiveValidators: map(idCodec, validatorCodec),
    atRiskValidators: map(idCodec, u64),
  }),
);

const parametersCodec = remembered(
  struct<SystemParameters>({
    epochDurationMs: u64,
    validatorRewardAllocationBps: u64,
    modelMinStake: u64,
    modelArchitectureVersion: u64,
    modelRevealSlashRateBps: u64,
    modelTallySlashRateBps: u64,
    targetEpochFeeCollection: u64,
    baseFee: u64,
    writeObjectFee: u64,
    valueFeeBps: u64,
    minValueFeeBps: u64,
    maxValueFeeBps: u64,
    feeAdjustmentRateBps: u64,
    targetModelsPerTarget: u64,
    targetEmbeddingDim: u64,
    targetInitialDistanceThreshold: scalar,
    targetRewardAllocationBps: u64,
    targetHitsPerEpoch: u64,
    targetHitsEmaDecayBps: u64,
    targetDifficultyAdjustmentRateBps: u64,
    targetMaxDistanceThreshold: scalar,
    targetMinDistanceThreshold: scalar,
    targetInitialTargetsPerEpoch: u64,
    targetSubmitterRewardShareBps: u64,
    targetModelRewardShareBps: u64,
    targetClaimerIncentiveBps: u64,
    submissionBondPerByte: u64,
    maxSubmissionDataSize: u64,
  }),
);

const reports = map(idCodec, sortedSet(idCodec));

const registryCodec = remembered(
  struct<ModelRegistry>({
    models: map(idCodec, modelCodec),
    stakingPoolMappings: map(idCodec, idCodec),
    totalModelStake: u64,
    modelReportRecords: reports,
  }),
);

const stateCodec: Codec<SystemState> = versionOne(
  struct<SystemState>({
    epoch: u64,
    protocolVersion: u64,
    validators: validatorSetCodec,
    parameters: parametersCodec,
    epochStartTimestampMs: u64,
    validatorReportRecords: reports,
    modelRegistry: registryCodec,
    emissionPool: struct<EmissionPool>({ balance: u64, emissionPerEpoch: u64 }),
    targetState: struct<TargetState>({
      distanceThreshold: scalar,
      targetsGeneratedThisEpoch: u64,
      hitsThisEpoch: u64,
      hitsEma: u64,
      rewardPerTarget: u64,
    }),
    safeMode: bool,
    safeModeAccumulatedFees: u64,
    safeModeAccumulatedEmissions: u64,
  }),
);

/** The payload of the system state object: BCS of `SystemState::V1`. Validator keys and multiaddrs are plain byte strings. */
export function encodeSystemState(state: SystemState): Uint8Array {
  return encodeBcs(stateCodec, state);
}
