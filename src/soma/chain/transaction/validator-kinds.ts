import { bytes, type Codec, option, struct, u64 } from '../bcs/index.js';
import { type Address, idCodec } from '../id.js';

/** Joins the validator set. Keys are raw bytes; network addresses are BCS strings holding multiaddrs. */
export interface AddValidator {
  readonly pubkeyBytes: Uint8Array;
  readonly networkPubkeyBytes: Uint8Array;
  readonly workerPubkeyBytes: Uint8Array;
  readonly proofOfPossession: Uint8Array;
  readonly netAddress: Uint8Array;
  readonly p2pAddress: Uint8Array;
  readonly primaryAddress: Uint8Array;
  readonly proxyAddress: Uint8Array;
}

/** Leaves the validator set. */
export interface RemoveValidator {
  readonly pubkeyBytes: Uint8Array;
}

/** Reports a validator, or withdraws the report. */
export interface ReportValidator {
  readonly reportee: Address;
}

/** Changes a validator's metadata from the next epoch; absent fields are unchanged. */
export interface UpdateValidatorMetadata {
  readonly nextEpochNetworkAddress?: Uint8Array | undefined;
  readonly nextEpochP2pAddress?: Uint8Array | undefined;
  readonly nextEpochPrimaryAddress?: Uint8Array | undefined;
  readonly nextEpochProxyAddress?: Uint8Array | undefined;
  readonly nextEpochProtocolPubkey?: Uint8Array | undefined;
  readonly nextEpochWorkerPubkey?: Uint8Array | undefined;
  readonly nextEpochNetworkPubkey?: Uint8Array | undefined;
  readonly nextEpochProofOfPossession?: Uint8Array | undefined;
}

/** Sets a validator's commission, effective from the next epoch. */
export interface SetCommissionRate {
  /** Basis points. */
  readonly newRate: bigint;
}

/** BCS of {@link AddValidator}: its fields in this order. */
export const addValidatorCodec: Codec<AddValidator> = struct<AddValidator>({
  pubkeyBytes: bytes,
  networkPubkeyBytes: bytes,
  workerPubkeyBytes: bytes,
  proofOfPossession: bytes,
  netAddress: bytes,
  p2pAddress: bytes,
  primaryAddress: bytes,
  proxyAddress: bytes,
});

/** BCS of {@link RemoveValidator}: its fields in this order. */
export const removeValidatorCodec: Codec<RemoveValidator> = struct<RemoveValidator>({ pubkeyBytes: bytes });

/** BCS of {@link ReportValidator}: its fields in this order. */
export const reportValidatorCodec: Codec<ReportValidator> = struct<ReportValidator>({ reportee: idCodec });

const optionalBytes = option(bytes);

/** BCS of {@link UpdateValidatorMetadata}: its fields in this order. */
export const updateValidatorMetadataCodec: Codec<UpdateValidatorMetadata> = struct<UpdateValidatorMetadata>({
  nextEpochNetworkAddress: optionalBytes,
  nextEpochP2pAddress: optionalBytes,
  nextEpochPrimaryAddress: optionalBytes,
  nextEpochProxyAddress: optionalBytes,
  nextEpochProtocolPubkey: optionalBytes,
  nextEpochWorkerPubkey: optionalBytes,
  nextEpochNetworkPubkey: optionalBytes,
  nextEpochProofOfPossession: optionalBytes,
});

/** BCS of {@link SetCommissionRate}: its fields in this order. */
export const setCommissionRateCodec: Codec<SetCommissionRate> = struct<SetCommissionRate>({ newRate: u64 });
