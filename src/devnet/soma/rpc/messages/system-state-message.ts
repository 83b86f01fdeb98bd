import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ManifestSchema } from '../../../../gen/soma/rpc/manifest_pb.js';
import {
  type ModelSchema,
  type ReporterSetSchema,
  type StakingPoolSchema,
  type SystemState as SystemStateMessage,
  SystemStateSchema,
  type ValidatorSchema,
} from '../../../../gen/soma/rpc/system_state_pb.js';
import type { Address, ObjectId } from '../../../../soma/chain/id.js';
import { manifestToRpc } from '../../../../soma/chain/wire/index.js';
import type { Model } from '../../state/model.js';
import type { StakingPool } from '../../state/staking-pool.js';
import type { ReportRecords, SystemState } from '../../state/system-state.js';
import type { Validator } from '../../state/validator.js';

/** Addresses are written without `0x`, object ids with it. */
const plain = (address: Address): string => address.slice(2);

/** Converts the system state to its RPC message. */
export function systemStateMessage(state: SystemState): SystemStateMessage {
  const { validators, modelRegistry } = state;
  return create(SystemStateSchema, {
    epoch: state.epoch,
    epochStartTimestampMs: state.epochStartTimestampMs,
    protocolVersion: state.protocolVersion,
    parameters: state.parameters,
    validators: {
      totalStake: validators.totalStake,
      validators: validators.validators.map(validatorInit),
      pendingValidators: validators.pendingValidators.map(validatorInit),
      pendingRemovals: [...validators.pendingRemovals],
      stakingPoolMappings: record(validators.stakingPoolMappings, (id) => id, plain),
      inactiveValidators: record(validators.inactiveValidators, (id) => id, validatorInit),
      atRiskValidators: record(validators.atRiskValidators, plain, (epochs) => epochs),
    },
    validatorReportRecords: reports(state.validatorReportRecords, plain),
    emissionPool: state.emissionPool,
    modelRegistry: {
      models: record(modelRegistry.models, (id) => id, modelInit),
      stakingPoolMappings: record(
        modelRegistry.stakingPoolMappings,
        (id) => id,
        (id) => id,
      ),
      totalModelStake: modelRegistry.totalModelStake,
      modelReportRecords: reports(modelRegistry.modelReportRecords, (id) => id),
    },
    targetState: state.targetState,
    safeMode: state.safeMode,
    safeModeAccumulatedFees: state.safeModeAccumulatedFees,
    safeModeAccumulatedEmissions: state.safeModeAccumulatedEmissions,
  });
}

function record<V, W>(
  map: ReadonlyMap<ObjectId, V>,
  key: (id: ObjectId) => string,
  value: (each: V) => W,
): Record<string, W> {
  return Object.fromEntries([...map].map(([id, each]) => [key(id), value(each)]));
}

function reports(
  records: ReportRecords,
  key: (id: ObjectId) => string,
): Record<string, MessageInitShape<typeof ReporterSetSchema>> {
  return record(records, key, (reporters) => ({ reporters: reporters.map(plain) }));
}

function poolInit(pool: StakingPool): MessageInitShape<typeof StakingPoolSchema> {
  const { activationEpoch, deactivationEpoch, exchangeRates, ...amounts } = pool;
  return {
    ...amounts,
    activationEpoch,
    deactivationEpoch,
    exchangeRates: Object.fromEntries([...exchangeRates].map(([epoch, rate]) => [epoch.toString(), rate])),
  };
}

function validatorInit(validator: Validator): MessageInitShape<typeof ValidatorSchema> {
  const { somaAddress, proxyAddress, nextEpoch, ...metadata } = validator.metadata;
  return {
    somaAddress: plain(somaAddress),
    ...metadata,
    ...(proxyAddress !== '' && { proxyAddress }),
    votingPower: validator.votingPower,
    commissionRate: validator.commissionRate,
    nextEpochStake: validator.nextEpochStake,
    nextEpochCommissionRate: validator.nextEpochCommissionRate,
    stakingPool: poolInit(validator.stakingPool),
    ...(nextEpoch.protocolPubkey && { nextEpochProtocolPubkey: nextEpoch.protocolPubkey }),
    ...(nextEpoch.networkPubkey && { nextEpochNetworkPubkey: nextEpoch.networkPubkey }),
    ...(nextEpoch.workerPubkey && { nextEpochWorkerPubkey: nextEpoch.workerPubkey }),
    ...(nextEpoch.netAddress && { nextEpochNetAddress: nextEpoch.netAddress }),
    ...(nextEpoch.p2pAddress && { nextEpochP2pAddress: nextEpoch.p2pAddress }),
    ...(nextEpoch.primaryAddress && { nextEpochPrimaryAddress: nextEpoch.primaryAddress }),
    ...(nextEpoch.proofOfPossession && { nextEpochProofOfPossession: nextEpoch.proofOfPossession }),
  };
}

const manifest = (each: Parameters<typeof manifestToRpc>[0]): MessageInitShape<typeof ManifestSchema> =>
  manifestToRpc(each);

function modelInit(model: Model): MessageInitShape<typeof ModelSchema> {
  const init: MessageInitShape<typeof ModelSchema> = {
    state: model.state,
    owner: plain(model.owner),
    architectureVersion: model.architectureVersion,
    stakingPool: poolInit(model.stakingPool),
    commissionRate: model.commissionRate,
    nextEpochCommissionRate: model.nextEpochCommissionRate,
  };
  if (model.state === 'created') return { ...init, createEpoch: model.createEpoch };
  const committed = {
    ...init,
    manifest: manifest(model.manifest),
    weightsCommitment: model.weightsCommitment,
    embeddingCommitment: model.embeddingCommitment,
    decryptionKeyCommitment: model.decryptionKeyCommitment,
  };
  if (model.state === 'pending') return { ...committed, commitEpoch: model.commitEpoch };
  const revealed = {
    ...committed,
    decryptionKey: model.decryptionKey,
    embedding: Array.from(model.embedding.values),
  };
  if (model.state === 'inactive' || model.pendingUpdate === undefined) return revealed;
  const { manifest: updated, ...update } = model.pendingUpdate;
  return { ...revealed, pendingUpdate: { ...update, manifest: manifest(updated) } };
}
