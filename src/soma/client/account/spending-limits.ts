import { QuarryError } from '../../../errors/index.js';
import {
  PROTOCOL_VERSIONS,
  protocolConfig,
  shannonsToSoma,
  submissionBond,
  type TransactionKindName,
  totalFee,
} from '../../chain/index.js';

/** A node may tell parameters of a protocol that is not known here; beyond this factor it is not believed. */
const FACTOR = 10n;

/**
 * The largest fee that is paid unless the user says otherwise, in shannons: ten times the most that the protocol asks for
 * such a transaction.
 */
export function defaultMaxFee(kind: TransactionKindName, value: bigint, objectsWritten: number): bigint {
  const { baseFee, writeObjectFee, maxValueFeeBps: valueFeeBps } = protocolConfig(PROTOCOL_VERSIONS.max);
  return FACTOR * totalFee(kind, value, objectsWritten, { baseFee, writeObjectFee, valueFeeBps });
}

/** The largest bond given for so many bytes unless the user says otherwise, in shannons: ten times the protocol's. */
export function defaultMaxBond(sizeBytes: bigint | number): bigint {
  return FACTOR * submissionBond(sizeBytes, protocolConfig(PROTOCOL_VERSIONS.max).submissionBondPerByte);
}

/** @throws QuarryError `FAILED_PRECONDITION` when a node asks for more than `most` shannons */
export function assertWithin(what: 'fee' | 'bond', amount: bigint, most: bigint): void {
  if (amount <= most) return;
  const message = `the node asks for a ${what} of ${shannonsToSoma(amount)} SOMA, above the limit of ${shannonsToSoma(most)}`;
  throw new QuarryError('FAILED_PRECONDITION', message, {
    hint: `ask another fullnode, or raise --max-${what}-soma`,
    details: { shannons: amount, mostShannons: most },
  });
}
