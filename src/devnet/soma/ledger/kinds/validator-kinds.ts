import { decodeBcs, string } from '../../../../soma/chain/bcs/index.js';
import type {
  ReportValidator,
  SetCommissionRate,
  UpdateValidatorMetadata,
} from '../../../../soma/chain/transaction/index.js';
import { withoutReport, withReport } from '../../state/system-state.js';
import { activeValidator, type StagedMetadata, type Validator, withValidator } from '../../state/validator.js';
import { isNetworkKey, isProtocolKey } from '../../validator-key.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/**
 * The sender as an active validator.
 *
 * @throws ExecutionStop NotAValidator
 */
function senderValidator(context: TransactionContext): Validator {
  return activeValidator(context.state.validators, context.sender) ?? fail({ kind: 'notAValidator' });
}

/** Records a validator's report of another validator. */
export function executeReportValidator(context: TransactionContext, kind: ReportValidator): void {
  senderValidator(context);
  if (kind.reportee === context.sender) fail({ kind: 'cannotReportOneself' });
  if (activeValidator(context.state.validators, kind.reportee) === undefined) fail({ kind: 'notAValidator' });
  const validatorReportRecords = withReport(context.state.validatorReportRecords, kind.reportee, context.sender);
  context.state = { ...context.state, validatorReportRecords };
}

/** Withdraws such a report. */
export function executeUndoReportValidator(context: TransactionContext, kind: ReportValidator): void {
  senderValidator(context);
  const validatorReportRecords = withoutReport(context.state.validatorReportRecords, kind.reportee, context.sender);
  if (validatorReportRecords === undefined) fail({ kind: 'reportRecordNotFound' });
  context.state = { ...context.state, validatorReportRecords };
}

/** Sets the sender's commission, effective from the next epoch. */
export function executeSetCommissionRate(context: TransactionContext, kind: SetCommissionRate): void {
  const validator = senderValidator(context);
  if (kind.newRate > 10_000n) fail({ kind: 'invalidArguments', reason: 'Commission rate exceeds 10000 bps' });
  const validators = withValidator(context.state.validators, { ...validator, nextEpochCommissionRate: kind.newRate });
  context.state = { ...context.state, validators };
}

/**
 * Decodes a multiaddr from its BCS string.
 *
 * @throws ExecutionStop InvalidArguments
 */
export function decodeMultiaddr(bytes: Uint8Array): string {
  try {
    const text = decodeBcs(string, bytes, 'Multiaddr');
    if (text.startsWith('/')) return text;
  } catch {
    // Same error for every malformed address, below.
  }
  return fail({ kind: 'invalidArguments', reason: 'Invalid network address' });
}

/**
 * Rejects keys that are not curve points.
 *
 * @throws ExecutionStop InvalidArguments
 */
export function checkKeys(protocol?: Uint8Array, network?: Uint8Array, worker?: Uint8Array): void {
  if (protocol !== undefined && !isProtocolKey(protocol)) {
    fail({ kind: 'invalidArguments', reason: 'Invalid protocol public key' });
  }
  for (const key of [network, worker]) {
    if (key !== undefined && !isNetworkKey(key)) {
      fail({ kind: 'invalidArguments', reason: 'Invalid network public key' });
    }
  }
}

/** Stages new keys and addresses. As on the network, `nextEpochProxyAddress` is accepted but never applied. */
export function executeUpdateValidatorMetadata(context: TransactionContext, kind: UpdateValidatorMetadata): void {
  const validator = senderValidator(context);
  checkKeys(kind.nextEpochProtocolPubkey, kind.nextEpochNetworkPubkey, kind.nextEpochWorkerPubkey);
  const address = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : decodeMultiaddr(bytes));
  const staged: StagedMetadata = {
    protocolPubkey: kind.nextEpochProtocolPubkey,
    networkPubkey: kind.nextEpochNetworkPubkey,
    workerPubkey: kind.nextEpochWorkerPubkey,
    netAddress: address(kind.nextEpochNetworkAddress),
    p2pAddress: address(kind.nextEpochP2pAddress),
    primaryAddress: address(kind.nextEpochPrimaryAddress),
    proofOfPossession: kind.nextEpochProofOfPossession,
  };
  const given = Object.fromEntries(Object.entries(staged).filter(([, value]) => value !== undefined));
  const nextEpoch: StagedMetadata = { ...validator.metadata.nextEpoch, ...given };
  const changed: Validator = { ...validator, metadata: { ...validator.metadata, nextEpoch } };
  context.state = { ...context.state, validators: withValidator(context.state.validators, changed) };
}
