import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { required } from '../decode/required.js';
import { parametersFrom, type SystemParameters } from '../decode/system-state.js';

/** Reads the current parameters, without the rest of the system state, which can be large. */
export async function getSystemParameters(client: ClientContext, options: CallOptions = {}): Promise<SystemParameters> {
  const answer = await client.transport.unary(
    LedgerService.method.getEpoch,
    { readMask: { paths: ['epoch', 'system_state.parameters'] } },
    controlOf(options),
  );
  return parametersFrom(required(answer.epoch?.systemState?.parameters, 'epoch.system_state.parameters'));
}
