import type { Epoch as EpochMessage, ProtocolConfig as RpcProtocolConfig } from '../../../gen/soma/rpc/epoch_pb.js';
import { type CommitteeMember, timestampFromRpc } from '../../chain/index.js';
import { required } from './required.js';
import { type SystemState, systemStateFrom } from './system-state.js';

/** The constants of a protocol version, as decimal strings by name. */
export interface ProtocolConstants {
  readonly protocolVersion: bigint;
  readonly attributes: ReadonlyMap<string, string>;
  readonly featureFlags: ReadonlyMap<string, boolean>;
}

/** The parts of an epoch selected by a read mask. */
export interface Epoch {
  readonly epoch: bigint;
  readonly committee: readonly CommitteeMember[];
  readonly firstCheckpoint: bigint | undefined;
  /** Absent for the current epoch. */
  readonly lastCheckpoint: bigint | undefined;
  readonly startMs: bigint | undefined;
  /** Absent for the current epoch. */
  readonly endMs: bigint | undefined;
  readonly protocolConfig: ProtocolConstants | undefined;
  /** Live for the current epoch; as of its start for a past one. */
  readonly systemState: SystemState | undefined;
}

/** The protocol constants in a message. */
function protocolConstantsFrom(message: RpcProtocolConfig): ProtocolConstants {
  return {
    protocolVersion: required(message.protocolVersion, 'protocol_config.protocol_version'),
    attributes: new Map(Object.entries(message.attributes)),
    featureFlags: new Map(Object.entries(message.featureFlags)),
  };
}

/** The epoch in a message. */
export function epochFrom(message: EpochMessage): Epoch {
  return {
    epoch: required(message.epoch, 'epoch.epoch'),
    committee: (message.committee?.members ?? []).map((member) => ({
      authorityKey: required(member.authorityKey, 'committee.authority_key'),
      weight: member.weight ?? 0n,
    })),
    firstCheckpoint: message.firstCheckpoint,
    lastCheckpoint: message.lastCheckpoint,
    startMs: message.start === undefined ? undefined : timestampFromRpc(message.start),
    endMs: message.end === undefined ? undefined : timestampFromRpc(message.end),
    protocolConfig: message.protocolConfig === undefined ? undefined : protocolConstantsFrom(message.protocolConfig),
    systemState: message.systemState === undefined ? undefined : systemStateFrom(message.systemState),
  };
}
