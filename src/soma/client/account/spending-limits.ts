import {
  PROTOCOL_VERSIONS,
  protocolConfig,
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
