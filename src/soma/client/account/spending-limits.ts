import { QuarryError } from '../../../errors/index.js';
import {
  PROTOCOL_VERSIONS,
  protocolConfig,
  shannonsToSoma,
  submissionBond,
  type TransactionKindName,
  totalFee,
} from '../../chain/index.js';

/** Margin for parameters of newer protocol versions; a node's values beyond it are rejected. */
const FACTOR = 10n;

/** Default maximum fee in shannons: ten times the highest fee of the known protocol for such a transaction. */
export function defaultMaxFee(kind: TransactionKindName, value: bigint, objectsWritten: number): bigint {
  const { baseFee, writeObjectFee, maxValueFeeBps: valueFeeBps } = protocolConfig(PROTOCOL_VERSIONS.max);
  return FACTOR * totalFee(kind, value, objectsWritten, { baseFee, writeObjectFee, valueFeeBps });
}

/** Default maximum bond for a submission of this size, in shannons: ten times the protocol's. */
export function defaultMaxBond(sizeBytes: bigint | number): bigint {
  return FACTOR * submissionBond(sizeBytes, protocolConfig(PROTOCOL_VERSIONS.max).submissionBondPerByte);
}

/** @throws QuarryError `FAILED_PRECONDITION` when a node demands more than `most` shannons */
export function assertWithin(what: 'fee' | 'bond', amount: bigint, most: bigint): void {
  if (amount <= most) return;
  const message = `the node asks for a ${what} of ${shannonsToSoma(amount)} SOMA, above the limit of ${shannonsToSoma(most)}`;
  throw new QuarryError('FAILED_PRECONDITION', message, {
    hint: `ask another fullnode, or raise --max-${what}-soma`,
    details: { shannons: amount, mostShannons: most },
  });
}
