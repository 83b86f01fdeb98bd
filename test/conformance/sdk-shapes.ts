import {
  type Checkpoint,
  digestFromBytes,
  type FetchedObject,
  type Model,
  type ModelManifest,
  type Owner,
  type ReportedEffects,
  type SystemState,
  type Target,
  type TransactionFee,
} from '../../src/soma/index.js';

/** Our values in the form in which the official SDK gives them, so that the two can be compared as they stand. */

/** The SDK writes addresses without `0x`, object ids with it. */
export const bareHex = (address: string): string => address.replace(/^0x/, '');

const nullable = <T, U>(value: T | undefined, map: (value: T) => U): U | null =>
  value === undefined ? null : map(value);

function sdkOwner(owner: Owner): unknown {
  switch (owner.kind) {
    case 'address':
      return { AddressOwner: bareHex(owner.address) };
    case 'shared':
      return { Shared: { initial_shared_version: owner.initialSharedVersion } };
    case 'immutable':
      return 'Immutable';
  }
}

const sdkFee = (fee: TransactionFee): unknown => ({
  base_fee: fee.baseFee,
  operation_fee: fee.operationFee,
  value_fee: fee.valueFee,
  total_fee: fee.totalFee,
});

const ID_OPERATIONS = { none: 'None', created: 'Created', deleted: 'Deleted' } as const;

/** Effects of a transaction that succeeded. */
export function sdkEffects(effects: ReportedEffects): unknown {
  return {
    V1: {
      status: effects.status.kind === 'success' ? 'Success' : 'Failure',
      executed_epoch: effects.executedEpoch,
      transaction_fee: sdkFee(effects.fee),
      transaction_digest: effects.transactionDigest,
      gas_object_index: nullable(effects.gasObjectIndex, BigInt),
      dependencies: effects.dependencies,
      version: effects.lamportVersion,
      changed_objects: effects.changedObjects.map(({ objectId, input, output, idOperation }) => [
        objectId,
        {
          input_state:
            input.kind === 'notExist' ? 'NotExist' : { Exist: [[input.version, input.digest], sdkOwner(input.owner)] },
          output_state:
            output.kind === 'notExist' ? 'NotExist' : { ObjectWrite: [output.digest, sdkOwner(output.owner)] },
          id_operation: ID_OPERATIONS[idOperation],
        },
      ]),
      unchanged_shared_objects: effects.unchangedSharedObjects,
    },
  };
}

/** An object; its contents begin with its id. */
export function sdkObject(object: FetchedObject): unknown {
  const id = Buffer.from(bareHex(object.objectId), 'hex');
  return {
    data: {
      object_type: object.type,
      version: object.version,
      contents: new Uint8Array(Buffer.concat([id, object.payload])),
    },
    owner: sdkOwner(object.owner),
    previous_transaction: object.previousTransaction,
    id: object.objectId,
    version: object.version,
    digest: object.digest,
  };
}

/** Ids in targets come as the node writes them, without leading zeros. */
export const shortId = (id: string): string => id.replace(/^0x0*/, '0x');

/** A target of `list_targets`. */
export function sdkTarget(target: Target): unknown {
  return {
    id: shortId(target.id),
    status: target.status,
    embedding: Array.from(target.embedding),
    model_ids: target.modelIds.map(shortId),
    distance_threshold: target.distanceThreshold,
    reward_pool: target.rewardPoolShannons,
    generation_epoch: target.generationEpoch,
    bond_amount: target.bondShannons,
    submitter: target.submitter ?? null,
    winning_model_id: target.winningModelId === undefined ? null : shortId(target.winningModelId),
    data_url: target.dataUrl ?? null,
  };
}

/** A target of `get_targets`, which does not ask for the URL. */
export const sdkTargetWithoutUrl = (target: Target): unknown => sdkTarget({ ...target, dataUrl: undefined });

/** An entry of `get_model_manifests`. */
export function sdkModelManifest(manifest: ModelManifest): unknown {
  return {
    url: manifest.url,
    checksum: digestFromBytes(manifest.checksum),
    size: manifest.size,
    decryption_key: nullable(manifest.decryptionKey, digestFromBytes),
  };
}

/** An entry of `get_active_models`. */
export function sdkActiveModel(model: Model): unknown {
  return {
    model_id: model.id,
    owner: bareHex(model.owner),
    embedding: Array.from(model.embedding ?? []),
    stake: Number(model.stakingPool.somaBalance) / 1e9,
    commission_rate: model.commissionRate,
    next_epoch_commission_rate: model.nextEpochCommissionRate,
    commit_epoch: 0n,
    has_pending_update: model.pendingUpdate !== undefined,
  };
}

/** The summary of a checkpoint, without the validators' signatures, which our client does not read. */
export function sdkCheckpoint(checkpoint: Checkpoint): unknown {
  const summary = checkpoint.summary!;
  return {
    epoch: summary.epoch,
    sequence_number: summary.sequenceNumber,
    network_total_transactions: summary.totalTransactions,
    content_digest: summary.contentDigest,
    previous_digest: summary.previousDigest ?? null,
    epoch_rolling_transaction_fees: sdkFee(summary.epochFees),
    timestamp_ms: summary.timestampMs,
  };
}

/** Those parts of the system state that both sides show. */
export function sdkSystemState(state: SystemState): unknown {
  return {
    epoch: state.epoch,
    protocol_version: state.protocolVersion,
    epoch_start_timestamp_ms: state.epochStartMs,
    emission_pool: {
      balance: state.emissionPool.balanceShannons,
      emission_per_epoch: state.emissionPool.perEpochShannons,
    },
    target_state: {
      distance_threshold: scalar(state.targetState.distanceThreshold),
      targets_generated_this_epoch: state.targetState.targetsGeneratedThisEpoch,
      hits_this_epoch: state.targetState.hitsThisEpoch,
      hits_ema: state.targetState.hitsEma,
      reward_per_target: state.targetState.rewardPerTargetShannons,
    },
    parameters: Object.fromEntries(
      Object.entries(state.parameters).map(([name, value]) => [
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        typeof value === 'number' ? scalar(value) : value,
      ]),
    ),
    safe_mode: state.safeMode,
    safe_mode_accumulated_fees: state.safeModeAccumulatedFees,
    safe_mode_accumulated_emissions: state.safeModeAccumulatedEmissions,
    total_stake: state.validators.totalStake,
    total_model_stake: state.totalModelStakeShannons,
    validators: state.validators.active.map((validator) => ({
      soma_address: bareHex(validator.address),
      protocol_pubkey: Buffer.from(validator.protocolKey).toString('base64'),
      network_pubkey: Buffer.from(validator.networkKey).toString('base64'),
      worker_pubkey: Buffer.from(validator.workerKey).toString('base64'),
      net_address: validator.networkAddress,
      p2p_address: validator.p2pAddress,
      primary_address: validator.primaryAddress,
      proxy_address: validator.proxyAddress ?? '',
      voting_power: validator.votingPower,
      commission_rate: validator.commissionRate,
      next_epoch_commission_rate: validator.nextEpochCommissionRate,
      next_epoch_stake: validator.nextEpochStake,
      pool: sdkPool(validator.stakingPool),
    })),
    pending_validators: state.validators.pending.map((validator) => bareHex(validator.address)),
    reports: Object.fromEntries(
      [...state.validatorReports].map(([address, by]) => [bareHex(address), by.map(bareHex).sort()]),
    ),
    models: Object.fromEntries([...state.models].map(([id, model]) => [id, sdkModel(model)])),
    model_reports: Object.fromEntries([...state.modelReports].map(([id, by]) => [id, by.map(bareHex).sort()])),
  };
}

/** A number is a tensor of one element. */
const scalar = (value: number): unknown => sdkTensor(Float32Array.of(value));

/** A model of the registry: which fields it has depends on its state. */
function sdkModel(model: Model): unknown {
  const { state, manifest, embedding, createEpoch, commitEpoch } = model;
  const digest = (name: string, bytes: Uint8Array | undefined) => bytes && { [name]: digestFromBytes(bytes) };
  const fields = {
    owner: bareHex(model.owner),
    architecture_version: model.architectureVersion,
    staking_pool: sdkPool(model.stakingPool),
    commission_rate: model.commissionRate,
    next_epoch_commission_rate: model.nextEpochCommissionRate,
    ...(manifest && {
      manifest: {
        V1: {
          url: manifest.url,
          metadata: { V1: { checksum: digestFromBytes(manifest.checksum), size: manifest.size } },
        },
      },
    }),
    ...digest('weights_commitment', model.weightsCommitment),
    ...digest('embedding_commitment', model.embeddingCommitment),
    ...digest('decryption_key_commitment', model.decryptionKeyCommitment),
    ...digest('decryption_key', model.decryptionKey),
    ...(embedding && { embedding: sdkTensor(embedding) }),
    ...(state === 'created' && { create_epoch: createEpoch }),
    ...(state === 'pending' && { commit_epoch: commitEpoch }),
    ...(state === 'active' && { pending_update: null }),
  };
  return { V1: { [state[0]!.toUpperCase() + state.slice(1)]: fields } };
}

/** A f32 tensor in its serialised form. */
function sdkTensor(values: Float32Array): unknown {
  const bytes = new Uint8Array(values.slice().buffer);
  return { dtype: 0n, bytes: Array.from(bytes, BigInt), shape: [BigInt(values.length)] };
}

function sdkPool(pool: Model['stakingPool']): unknown {
  return {
    id: pool.id,
    activation_epoch: pool.activationEpoch ?? null,
    deactivation_epoch: pool.deactivationEpoch ?? null,
    soma_balance: pool.somaBalance,
    rewards_pool: pool.rewardsPool,
    pool_token_balance: pool.poolTokenBalance,
    exchange_rates: Object.fromEntries(
      [...pool.exchangeRates].map(([epoch, rate]) => [
        String(epoch),
        { soma_amount: rate.somaAmount, pool_token_amount: rate.poolTokenAmount },
      ]),
    ),
    pending_stake: pool.pendingStake,
    pending_total_soma_withdraw: pool.pendingTotalSomaWithdraw,
    pending_pool_token_withdraw: pool.pendingPoolTokenWithdraw,
  };
}

/** What {@link sdkSystemState} keeps of the SDK's own tree. */
// biome-ignore lint/suspicious/noExplicitAny: the tree's form is what is being tested
export function comparableSystemState(tree: any): unknown {
  const { validators, model_registry: registry } = tree;
  return {
    epoch: tree.epoch,
    protocol_version: tree.protocol_version,
    epoch_start_timestamp_ms: tree.epoch_start_timestamp_ms,
    emission_pool: tree.emission_pool,
    target_state: tree.target_state,
    parameters: tree.parameters,
    safe_mode: tree.safe_mode,
    safe_mode_accumulated_fees: tree.safe_mode_accumulated_fees,
    safe_mode_accumulated_emissions: tree.safe_mode_accumulated_emissions,
    total_stake: validators.total_stake,
    total_model_stake: registry.total_model_stake,
    validators: validators.validators.map(
      // biome-ignore lint/suspicious/noExplicitAny: as above
      ({ metadata, staking_pool, ...rest }: any) => ({
        ...Object.fromEntries(Object.entries(metadata).filter(([name]) => METADATA.has(name))),
        ...rest,
        pool: staking_pool,
      }),
    ),
    // biome-ignore lint/suspicious/noExplicitAny: as above
    pending_validators: validators.pending_validators.map((each: any) => each.metadata.soma_address),
    reports: sortedLists(tree.validator_report_records),
    models: registry.models,
    model_reports: sortedLists(registry.model_report_records),
  };
}

const METADATA = new Set([
  'soma_address',
  'protocol_pubkey',
  'network_pubkey',
  'worker_pubkey',
  'net_address',
  'p2p_address',
  'primary_address',
  'proxy_address',
]);

function sortedLists(records: Record<string, string[]>): unknown {
  return Object.fromEntries(Object.entries(records).map(([id, by]) => [id, [...by].sort()]));
}
