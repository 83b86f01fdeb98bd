import type { AddValidator, RemoveValidator } from '../../../../soma/chain/transaction/index.js';
import { sameBytes } from '../../state/same-bytes.js';
import { emptyStakingPool } from '../../state/staking-pool.js';
import { withEntry } from '../../state/system-state.js';
import type { Validator, ValidatorMetadata } from '../../state/validator.js';
import { isBlsSignature } from '../../validator-key.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';
import { checkKeys, decodeMultiaddr } from './validator-kinds.js';

/**
 * Adds the sender to the validators from the next epoch. The proof must be a well-formed signature but is not verified.
 */
export function executeAddValidator(context: TransactionContext, kind: AddValidator): void {
  const set = context.state.validators;
  const present = [...set.validators, ...set.pendingValidators];
  if (present.some((each) => each.metadata.somaAddress === context.sender)) fail({ kind: 'duplicateValidator' });
  if (kind.proofOfPossession.length === 0) fail({ kind: 'missingProofOfPossession' });
  if (!isBlsSignature(kind.proofOfPossession)) {
    fail({ kind: 'invalidProofOfPossession', reason: 'not a BLS12-381 signature' });
  }
  checkKeys(kind.pubkeyBytes, kind.networkPubkeyBytes, kind.workerPubkeyBytes);
  const metadata: ValidatorMetadata = {
    somaAddress: context.sender,
    protocolPubkey: kind.pubkeyBytes,
    networkPubkey: kind.networkPubkeyBytes,
    workerPubkey: kind.workerPubkeyBytes,
    netAddress: decodeMultiaddr(kind.netAddress),
    p2pAddress: decodeMultiaddr(kind.p2pAddress),
    primaryAddress: decodeMultiaddr(kind.primaryAddress),
    proxyAddress: kind.proxyAddress.length === 0 ? '' : decodeMultiaddr(kind.proxyAddress),
    proofOfPossession: kind.proofOfPossession,
    nextEpoch: {},
  };
  for (const { metadata: other } of present) {
    const field = duplicateField(metadata, other);
    if (field !== undefined) fail({ kind: 'duplicateValidatorMetadata', field });
  }
  const poolId = context.idOf(context.nextNumber());
  const joining: Validator = {
    metadata,
    votingPower: 0n,
    stakingPool: emptyStakingPool(poolId),
    commissionRate: 0n,
    nextEpochStake: 0n,
    nextEpochCommissionRate: 0n,
  };
  context.state = {
    ...context.state,
    validators: {
      ...set,
      pendingValidators: [...set.pendingValidators, joining],
      stakingPoolMappings: withEntry(set.stakingPoolMappings, poolId, context.sender),
    },
  };
}

function duplicateField(own: ValidatorMetadata, other: ValidatorMetadata): string | undefined {
  if (sameBytes(own.protocolPubkey, other.protocolPubkey)) return 'protocol_pubkey';
  if (sameBytes(own.networkPubkey, other.networkPubkey)) return 'network_pubkey';
  if (sameBytes(own.workerPubkey, other.workerPubkey)) return 'worker_pubkey';
  if (own.netAddress === other.netAddress) return 'net_address';
  if (own.p2pAddress === other.p2pAddress) return 'p2p_address';
  return undefined;
}

/** Removes the sender from the validators from the next epoch. */
export function executeRemoveValidator(context: TransactionContext, _kind: RemoveValidator): void {
  const set = context.state.validators;
  const index = set.validators.findIndex((each) => each.metadata.somaAddress === context.sender);
  if (index < 0) fail({ kind: 'notAValidator' });
  if (set.pendingRemovals.includes(index)) fail({ kind: 'validatorAlreadyRemoved' });
  context.state = { ...context.state, validators: { ...set, pendingRemovals: [...set.pendingRemovals, index] } };
}
