import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { type Epoch, epochFrom, type ProtocolConstants } from '../decode/epoch.js';
import { required } from '../decode/required.js';
import type { SystemState } from '../decode/system-state.js';
import { maskWith, type ReadMask } from '../read-mask.js';

export interface GetEpochOptions extends CallOptions {
  /** Default: the current epoch. */
  readonly epoch?: bigint | undefined;
  /** Relative to Epoch. Default: everything except the system state. */
  readonly readMask?: ReadMask | undefined;
}

const DEFAULT_MASK: readonly string[] = [
  'committee',
  'first_checkpoint',
  'last_checkpoint',
  'start',
  'end',
  'protocol_config.protocol_version',
];

/**
 * Reads an epoch.
 *
 * @throws QuarryError `NOT_FOUND` when the node does not know it
 */
export async function getEpoch(client: ClientContext, options: GetEpochOptions = {}): Promise<Epoch> {
  const answer = await client.transport.unary(
    LedgerService.method.getEpoch,
    {
      epoch: options.epoch,
      readMask: { paths: maskWith(options.readMask ?? DEFAULT_MASK, ['epoch']) },
    },
    controlOf(options),
  );
  return epochFrom(required(answer.epoch, 'epoch'));
}

/** Reads the system state: live, or as of the start of a past epoch. */
export async function getSystemState(
  client: ClientContext,
  options: CallOptions & { readonly epoch?: bigint | undefined } = {},
): Promise<SystemState> {
  const epoch = await getEpoch(client, { ...options, readMask: ['system_state'] });
  return required(epoch.systemState, 'epoch.system_state');
}

/** Reads the current protocol constants, or those of a past epoch. */
export async function getProtocolConfig(
  client: ClientContext,
  options: CallOptions & { readonly epoch?: bigint | undefined } = {},
): Promise<ProtocolConstants> {
  const epoch = await getEpoch(client, { ...options, readMask: ['protocol_config'] });
  return required(epoch.protocolConfig, 'epoch.protocol_config');
}
