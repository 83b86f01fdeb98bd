import { QuarryError } from '../../../errors/index.js';
import { TOTAL_SUPPLY_SHANNONS } from '../../../soma/chain/amount.js';
import { decryptionKeyCommitment, embeddingCommitment } from '../../../soma/chain/commitment.js';
import { deriveId } from '../../../soma/chain/derivation.js';
import { blake2b256, digestFromBytes, ZERO_DIGEST } from '../../../soma/chain/digest.js';
import { type Address, OBJECT_ID_ZERO, type ObjectId, SYSTEM_STATE_OBJECT_ID } from '../../../soma/chain/id.js';
import type { Manifest } from '../../../soma/chain/manifest.js';
import { vectorTensor } from '../../../soma/chain/tensor.js';
import { type TransactionData, transactionDigest } from '../../../soma/chain/transaction/index.js';
import { rewardPerTarget } from '../state/difficulty.js';
import type { ActiveModel } from '../state/model.js';
import { activatePool, addStake, emptyStakingPool } from '../state/staking-pool.js';
import type { SystemParameters } from '../state/system-parameters.js';
import type { SystemState } from '../state/system-state.js';
import { assignVotingPower, type Validator, type ValidatorMetadata } from '../state/validator.js';
import { createTargets } from './change-epoch.js';
import { type ExecutionOutcome, outcomeOf } from './execution-outcome.js';
import { type LedgerObject, toSomaObject } from './ledger-object.js';
import { TransactionContext } from './transaction-context.js';

/** Initial coins of an account. */
export interface GenesisAccount {
  readonly address: Address;
  /** Balance of each coin, in shannons. */
  readonly coins: readonly bigint[];
}

/** A model that is active from the start. */
export interface GenesisModel {
  readonly owner: Address;
  /** Manifest of the encrypted weights. */
  readonly manifest: Manifest;
  /** 32 bytes. */
  readonly decryptionKey: Uint8Array;
  /** `[target_embedding_dim]`. */
  readonly embedding: Float32Array;
  /** Basis points. */
  readonly commissionRate: bigint;
  /** Shannons. */
  readonly initialStake: bigint;
}

/** Initial state of a chain. */
export interface GenesisOptions {
  /** Determines the ids of all initial objects. */
  readonly seed: bigint;
  readonly timestampMs: bigint;
  readonly protocolVersion: bigint;
  readonly parameters: SystemParameters;
  /** Shannons. */
  readonly emissionPerEpoch: bigint;
  readonly accounts: readonly GenesisAccount[];
  readonly validators: readonly { readonly metadata: ValidatorMetadata; readonly stake: bigint }[];
  readonly models: readonly GenesisModel[];
}

/** The genesis transaction and its result. */
export interface Genesis {
  readonly data: TransactionData;
  readonly outcome: ExecutionOutcome;
}

/** Commission of the initial validators. */
const VALIDATOR_COMMISSION_BPS = 200n;
const NO_FEE = { baseFee: 0n, operationFee: 0n, valueFee: 0n, totalFee: 0n };

/**
 * Creates the initial state of a chain. Supply that no account holds goes to the emission pool.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the accounts and stakes exceed the supply
 */
export function makeGenesis(options: GenesisOptions): Genesis {
  const seedBytes = new Uint8Array(8);
  new DataView(seedBytes.buffer).setBigUint64(0, BigInt.asUintN(64, options.seed), true);
  const seedDigest = digestFromBytes(blake2b256(new TextEncoder().encode('quarry-devnet'), seedBytes));
  let next = 0;
  const freshId = (): ObjectId => deriveId(seedDigest, next++);

  const { objects, validators, models } = firstObjects(options, freshId);
  const allocated = objects.reduce((sum, object) => sum + heldBy(object), 0n);
  if (allocated > TOTAL_SUPPLY_SHANNONS) {
    throw new QuarryError('INVALID_ARGUMENT', 'the accounts are given more than the whole supply of 10,000,000 SOMA');
  }
  const { parameters, protocolVersion, emissionPerEpoch } = options;
  const initial = parameters.targetInitialTargetsPerEpoch;
  const usual = rewardPerTarget(emissionPerEpoch, parameters, protocolVersion);
  const first = rewardPerTarget(emissionPerEpoch, { ...parameters, targetHitsPerEpoch: initial }, protocolVersion) / 2n;
  const state: SystemState = {
    epoch: 0n,
    protocolVersion,
    validators: {
      totalStake: validators.reduce((sum, each) => sum + each.stakingPool.somaBalance, 0n),
      validators,
      pendingValidators: [],
      pendingRemovals: [],
      stakingPoolMappings: new Map(validators.map((each) => [each.stakingPool.id, each.metadata.somaAddress])),
      inactiveValidators: new Map(),
      atRiskValidators: new Map(),
    },
    parameters,
    epochStartTimestampMs: options.timestampMs,
    validatorReportRecords: new Map(),
    modelRegistry: {
      models,
      stakingPoolMappings: new Map([...models].map(([id, model]) => [model.stakingPool.id, id])),
      totalModelStake: [...models.values()].reduce((sum, each) => sum + each.stakingPool.somaBalance, 0n),
      modelReportRecords: new Map(),
    },
    emissionPool: { balance: TOTAL_SUPPLY_SHANNONS - allocated, emissionPerEpoch },
    targetState: {
      distanceThreshold: parameters.targetInitialDistanceThreshold,
      targetsGeneratedThisEpoch: 0n,
      hitsThisEpoch: 0n,
      hitsEma: 0n,
      // The initial targets share half an epoch's allocation.
      rewardPerTarget: models.size > 0 ? first : usual,
    },
    safeMode: false,
    safeModeAccumulatedFees: 0n,
    safeModeAccumulatedEmissions: 0n,
  };
  return executeGenesis(state, objects);
}

function heldBy(object: LedgerObject): bigint {
  if (object.payload.type === 'Coin') return object.payload.balance;
  return object.payload.type === 'StakedSoma' ? object.payload.stake.principal : 0n;
}

function firstObjects(options: GenesisOptions, freshId: () => ObjectId) {
  const objects: LedgerObject[] = [];
  const add = (address: Address, payload: LedgerObject['payload']) =>
    objects.push({
      objectId: freshId(),
      version: 1n,
      owner: { kind: 'address', address },
      previousTransaction: ZERO_DIGEST,
      payload,
    });
  const fundedPool = (owner: Address, principal: bigint) => {
    const id = freshId();
    add(owner, { type: 'StakedSoma', stake: { poolId: id, stakeActivationEpoch: 0n, principal } });
    return activatePool(addStake(emptyStakingPool(id), principal), 0n);
  };
  for (const { address, coins } of options.accounts)
    for (const balance of coins) add(address, { type: 'Coin', balance });
  const validators = assignVotingPower(
    options.validators.map(
      ({ metadata, stake }): Validator => ({
        metadata,
        votingPower: 0n,
        stakingPool: fundedPool(metadata.somaAddress, stake),
        commissionRate: VALIDATOR_COMMISSION_BPS,
        nextEpochStake: stake,
        nextEpochCommissionRate: VALIDATOR_COMMISSION_BPS,
      }),
    ),
  );
  const models = new Map<ObjectId, ActiveModel>();
  for (const each of options.models) {
    models.set(freshId(), {
      state: 'active',
      owner: each.owner,
      architectureVersion: options.parameters.modelArchitectureVersion,
      stakingPool: fundedPool(each.owner, each.initialStake),
      commissionRate: each.commissionRate,
      nextEpochCommissionRate: each.commissionRate,
      manifest: each.manifest,
      weightsCommitment: each.manifest.checksum,
      embeddingCommitment: embeddingCommitment(each.embedding),
      decryptionKeyCommitment: decryptionKeyCommitment(each.decryptionKey),
      decryptionKey: each.decryptionKey,
      embedding: vectorTensor(each.embedding),
      pendingUpdate: undefined,
    });
  }
  return { objects, validators, models };
}

function executeGenesis(state: SystemState, objects: readonly LedgerObject[]): Genesis {
  // Ids and seeds of genesis targets are derived from the all-zero digest.
  const context = new TransactionContext({
    digest: ZERO_DIGEST,
    sender: OBJECT_ID_ZERO,
    inputs: new Map(),
    state,
    gasCoinId: undefined,
  });
  const shared = { kind: 'shared', initialSharedVersion: 1n } as const;
  context.create({ type: 'SystemState', state }, shared, SYSTEM_STATE_OBJECT_ID);
  for (const object of objects) context.create(object.payload, object.owner, object.objectId);
  if (state.modelRegistry.models.size > 0) createTargets(context);
  const made = outcomeOf(context, undefined, NO_FEE, new Map());
  const data: TransactionData = {
    kind: { kind: 'genesis', objects: made.written.map(toSomaObject) },
    sender: OBJECT_ID_ZERO,
    gasPayment: [],
  };
  return { data, outcome: { ...made, effects: { ...made.effects, transactionDigest: transactionDigest(data) } } };
}
