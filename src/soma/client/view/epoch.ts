import type { Epoch as EpochMessage, ProtocolConfig as ProtocolConfigMessage } from '../../../gen/soma/rpc/epoch_pb.js';
import { millisOf, required } from './required.js';
import { type SystemState, systemStateFrom } from './system-state.js';

/** The constants of a protocol version, as decimal texts by name. */
export interface ProtocolConfig {
  readonly protocolVersion: bigint;
  readonly attributes: ReadonlyMap<string, string>;
  readonly featureFlags: ReadonlyMap<string, boolean>;
}

/** A member of the committee. */
export interface CommitteeMember {
  /** BLS12-381 public key. */
  readonly authorityKey: Uint8Array;
  /** Voting power; the committee's sum is 10000. */
  readonly weight: bigint;
}

/** An epoch, as far as the read mask asked. */
export interface Epoch {
  readonly epoch: bigint;
  readonly committee: readonly CommitteeMember[];
  readonly firstCheckpoint: bigint | undefined;
  /** Absent for the current epoch. */
  readonly lastCheckpoint: bigint | undefined;
  readonly startMs: bigint | undefined;
  /** Absent for the current epoch. */
  readonly endMs: bigint | undefined;
  readonly protocolConfig: ProtocolConfig | undefined;
  /** Live for the current epoch, as of the start of a past one. */
  readonly systemState: SystemState | undefined;
}

/** The protocol constants in a message. */
export function protocolConfigFrom(message: ProtocolConfigMessage): ProtocolConfig {
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
    startMs: message.start === undefined ? undefined : millisOf(message.start),
    endMs: message.end === undefined ? undefined : millisOf(message.end),
    protocolConfig: message.protocolConfig === undefined ? undefined : protocolConfigFrom(message.protocolConfig),
    systemState: message.systemState === undefined ? undefined : systemStateFrom(message.systemState),
  };
}
