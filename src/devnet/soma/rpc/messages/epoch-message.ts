import { create } from '@bufbuild/protobuf';
import {
  type Epoch as EpochMessage,
  EpochSchema,
  type ProtocolConfig as ProtocolConfigMessage,
  ProtocolConfigSchema,
} from '../../../../gen/soma/rpc/epoch_pb.js';
import { ValidatorCommitteeSchema } from '../../../../gen/soma/rpc/signature_pb.js';
import { f32Text } from '../../../../soma/chain/effects/index.js';
import { protocolConfig } from '../../../../soma/chain/protocol-config.js';
import { timestampToRpc } from '../../../../soma/chain/wire/index.js';
import type { EpochRecord } from '../../node.js';
import type { SystemState } from '../../state/system-state.js';
import type { ReadMask } from '../read-mask.js';
import { systemStateMessage } from './system-state-message.js';

/**
 * The requested fields of an epoch.
 *
 * @param state the live state for the current epoch, the state at its start for a past one
 */
export function epochMessage(epoch: bigint, record: EpochRecord, state: SystemState, mask: ReadMask): EpochMessage {
  const message = create(EpochSchema);
  if (mask.has('epoch')) message.epoch = epoch;
  if (mask.has('committee')) {
    message.committee = create(ValidatorCommitteeSchema, {
      epoch,
      members: record.startState.validators.validators.map(({ metadata, votingPower }) => ({
        authorityKey: metadata.protocolPubkey,
        weight: votingPower,
        networkMetadata: {
          consensusAddress: metadata.netAddress,
          hostname: metadata.somaAddress.slice(2),
          protocolKey: metadata.workerPubkey,
          networkKey: metadata.networkPubkey,
        },
      })),
    });
  }
  if (mask.has('system_state')) message.systemState = systemStateMessage(state);
  if (mask.has('first_checkpoint')) message.firstCheckpoint = record.firstCheckpoint;
  if (mask.has('last_checkpoint') && record.lastCheckpoint !== undefined)
    message.lastCheckpoint = record.lastCheckpoint;
  if (mask.has('start')) message.start = timestampToRpc(record.startMs);
  if (mask.has('end') && record.endMs !== undefined) message.end = timestampToRpc(record.endMs);
  if (mask.has('protocol_config')) message.protocolConfig = protocolConfigMessage(state.protocolVersion);
  return mask.prune(EpochSchema, message);
}

/** Fields of this library's configuration that are not attributes on the network. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'protocolVersion',
  'minimumZStep',
  'rewardDenominator',
  'hasPerEpochTargetBudget',
  'bumpsVersionsOnFailure',
]);

function protocolConfigMessage(protocolVersion: bigint): ProtocolConfigMessage {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(protocolConfig(protocolVersion))) {
    if (OWN_FIELDS.has(name)) continue;
    const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    attributes[key] = typeof value === 'number' && name.endsWith('Threshold') ? f32Text(value) : String(value);
  }
  return create(ProtocolConfigSchema, { protocolVersion, featureFlags: {}, attributes });
}
